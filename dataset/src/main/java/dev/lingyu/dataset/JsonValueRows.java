package dev.lingyu.dataset;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;

/// The elements of a JSON list, or values that simply follow each other over any number of lines; one at a
/// time.
///
/// A defect in the text ends the file: where the next row begins can't be known.
final class JsonValueRows implements RowSource {
    private final StrictUtf8Reader reader;
    private final JsonParser parser;
    private final boolean list;
    private final int limit;
    private boolean begun;
    private JsonNode value = MissingNode.getInstance();
    private long row;

    JsonValueRows(InputStream in, boolean list, int limit) throws IOException {
        this.reader = new StrictUtf8Reader(in, limit);
        this.parser = Json.MAPPER.getFactory().createParser(reader);
        this.list = list;
        this.limit = limit;
    }

    @Override
    public boolean advance() throws IOException, RowFault {
        row++;
        value = MissingNode.getInstance();
        reader.startRow();
        try {
            if (list && !begun) {
                parser.nextToken();
                begun = true;
            }
            JsonToken token = parser.nextToken();
            if (list && token == JsonToken.END_ARRAY) {
                if (parser.nextToken() != null) {
                    throw RowFault.fatal("there is more text behind the end of the list");
                }
                return false;
            }
            if (token == null) {
                if (list) {
                    throw RowFault.fatal("the file ends before the list does; it may be cut off");
                }
                return false;
            }
            value = parser.readValueAsTree();
            return true;
        } catch (JsonProcessingException malformed) {
            throw RowFault.fatal(Json.problem(malformed, true));
        } catch (CharacterCodingException invalid) {
            throw RowFault.fatal(Faults.NOT_UTF8);
        } catch (StrictUtf8Reader.RowTooLong tooLong) {
            throw RowFault.fatal(Faults.tooLong(limit));
        }
    }

    @Override
    public long row() {
        return row;
    }

    @Override
    public JsonNode value() {
        return value;
    }

    @Override
    public String raw() {
        return value.isMissingNode() ? "" : value.toString();
    }

    @Override
    public void close() throws IOException {
        parser.close();
        reader.close();
    }
}
