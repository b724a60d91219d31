package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqMap;
import dev.hardwood.row.PqStruct;
import dev.hardwood.row.StructAccessor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/// The rows of a Parquet file as JSON objects: columns become fields, structs objects, lists arrays.
final class ParquetRows implements RowSource {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final ParquetFileReader file;
    private final RowReader rows;
    private final Duration patience;
    private long row;
    private JsonNode value = JSON.missingNode();

    private ParquetRows(ParquetFileReader file, RowReader rows, Duration patience) {
        this.file = file;
        this.rows = rows;
        this.patience = patience;
    }

    /// Opens a file.
    ///
    /// @param patience how long to wait for a part of it: where a page is damaged, the library may wait for ever
    /// @throws RowFault when it is no Parquet file, or a damaged one
    static ParquetRows open(Path path, Duration patience) throws IOException, RowFault {
        ChannelFile bytes = new ChannelFile(path);
        try (Stall stall = Stall.after(patience)) {
            ParquetFileReader file = ParquetFileReader.open(bytes);
            return new ParquetRows(file, file.rowReader(), patience);
        } catch (RuntimeException | IOException damaged) {
            bytes.close();
            throw damaged(damaged);
        }
    }

    @Override
    public boolean advance() throws RowFault {
        try (Stall stall = Stall.after(patience)) {
            if (!rows.hasNext()) {
                return false;
            }
            row++;
            rows.next();
            value = object(rows);
            return true;
        } catch (NoSuchElementException end) {
            return false;
        } catch (CharacterCodingException notText) {
            throw RowFault.bad(Faults.NOT_UTF8);
        } catch (RuntimeException damaged) {
            throw damaged(damaged);
        }
    }

    private static RowFault damaged(Exception why) {
        Throwable first = why;
        while (first.getCause() != null) {
            first = first.getCause();
        }
        String reason = String.valueOf(first.getMessage()).lines().findFirst().orElse("no reason given");
        return RowFault.fatal("the Parquet file can't be read (" + reason + "). Copy it again, or write it anew");
    }

    private static ObjectNode object(StructAccessor fields) throws CharacterCodingException {
        ObjectNode object = JSON.objectNode();
        for (int i = 0; i < fields.getFieldCount(); i++) {
            object.set(fields.getFieldName(i), fields.isNull(i) ? JSON.nullNode() : json(fields.getValue(i)));
        }
        return object;
    }

    private static JsonNode json(@Nullable Object value) throws CharacterCodingException {
        return switch (value) {
            case null -> JSON.nullNode();
            case String text -> JSON.textNode(text);
            // A text column that is not marked as one.
            case byte[] bytes ->
                JSON.textNode(StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes))
                        .toString());
            case Boolean flag -> JSON.booleanNode(flag);
            case Integer number -> JSON.numberNode(number);
            case Long number -> JSON.numberNode(number);
            case Float number -> JSON.numberNode(number);
            case Double number -> JSON.numberNode(number);
            case PqStruct struct -> object(struct);
            case PqList list -> {
                ArrayNode array = JSON.arrayNode();
                for (int i = 0; i < list.size(); i++) {
                    array.add(list.isNull(i) ? JSON.nullNode() : json(list.get(i)));
                }
                yield array;
            }
            case PqMap map -> {
                ObjectNode object = JSON.objectNode();
                for (PqMap.Entry entry : map.getEntries()) {
                    object.set(
                            String.valueOf(entry.getKey()),
                            entry.isValueNull() ? JSON.nullNode() : json(entry.getValue()));
                }
                yield object;
            }
            default -> JSON.textNode(value.toString());
        };
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
        return value.toString();
    }

    @Override
    public void close() throws IOException {
        try (Stall stall = Stall.after(patience)) {
            rows.close();
            file.close();
        }
    }
}
