package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;

/// Plain text as rows `{"text": …}`. A row's number is that of its first line.
final class PlainTextRows implements RowSource {
    private final InputStream in;
    private final Lines lines;
    private final TextRows unit;
    private final int limit;
    private final StringBuilder text = new StringBuilder();
    private String raw = "";
    private long row;

    PlainTextRows(InputStream in, TextRows unit, int limit) {
        this.in = in;
        this.lines = new Lines(in, limit);
        this.unit = unit;
        this.limit = limit;
    }

    @Override
    public boolean advance() throws IOException, RowFault {
        text.setLength(0);
        raw = "";
        boolean any = false;
        while (true) {
            long number = lines.number() + 1;
            if (!any) {
                row = number;
            }
            if (!lines.next()) {
                break;
            }
            String line = line(number);
            boolean blank = line.isBlank();
            if (blank && unit == TextRows.PARAGRAPH && any) {
                break;
            }
            if (blank && !(unit == TextRows.FILE && any)) {
                continue;
            }
            add(line, any);
            any = true;
            if (unit == TextRows.LINE) {
                break;
            }
        }
        raw = unit == TextRows.FILE ? text.toString().stripTrailing() : text.toString();
        return any;
    }

    private String line(long number) throws RowFault {
        if (lines.tooLong()) {
            row = number;
            throw RowFault.bad(Faults.tooLong(limit));
        }
        try {
            return lines.text();
        } catch (CharacterCodingException invalid) {
            row = number;
            raw = lines.lossyText();
            throw RowFault.bad(Faults.NOT_UTF8);
        }
    }

    private void add(String line, boolean another) throws RowFault {
        if (text.length() + (long) line.length() + 1 > limit) {
            throw RowFault.fatal(Faults.tooLong(limit));
        }
        if (another) {
            text.append('\n');
        }
        text.append(line);
    }

    @Override
    public long row() {
        return row;
    }

    @Override
    public JsonNode value() {
        return JsonNodeFactory.instance.objectNode().put("text", raw);
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
