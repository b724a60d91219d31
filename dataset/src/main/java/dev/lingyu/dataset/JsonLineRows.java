package dev.lingyu.dataset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;

/// JSON Lines: a row is a line, blank lines are passed over, and a bad line does not touch the next.
final class JsonLineRows implements RowSource {
    private final InputStream in;
    private final Lines lines;
    private final int limit;
    private JsonNode value = MissingNode.getInstance();
    private String raw = "";
    private long row;

    JsonLineRows(InputStream in, int limit) {
        this.in = in;
        this.lines = new Lines(in, limit);
        this.limit = limit;
    }

    @Override
    public boolean advance() throws IOException, RowFault {
        while (true) {
            row = lines.number() + 1;
            raw = "";
            if (!lines.next()) {
                return false;
            }
            if (lines.tooLong()) {
                throw RowFault.bad(Faults.tooLong(limit));
            }
            try {
                raw = lines.text();
            } catch (CharacterCodingException invalid) {
                raw = lines.lossyText();
                throw RowFault.bad(Faults.NOT_UTF8);
            }
            if (raw.isBlank()) {
                continue;
            }
            try {
                value = Json.parse(raw);
                return true;
            } catch (JsonProcessingException malformed) {
                throw RowFault.bad(Json.problem(malformed, false));
            }
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
        return raw;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
