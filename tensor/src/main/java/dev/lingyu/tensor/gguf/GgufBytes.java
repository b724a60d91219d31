package dev.lingyu.tensor.gguf;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/// The header of a GGUF file, put together piece by piece.
final class GgufBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void header(int version, long tensors, long entries) {
        out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        int32(version);
        int64(tensors);
        int64(entries);
    }

    void entry(String key, GgufValue value) {
        text(key);
        int32(value.kind().id());
        value(value);
    }

    private void value(GgufValue value) {
        switch (value) {
            case GgufValue.Whole(GgufValue.Kind kind, long whole) -> number(whole, kind.bytes());
            case GgufValue.Real(GgufValue.Kind kind, double real) -> {
                if (kind == GgufValue.Kind.F64) {
                    int64(Double.doubleToRawLongBits(real));
                } else {
                    int32(Float.floatToRawIntBits((float) real));
                }
            }
            case GgufValue.Flag flag -> out.write(flag.value() ? 1 : 0);
            case GgufValue.Text text -> text(text.value());
            case GgufValue.Texts texts -> {
                list(GgufValue.Kind.TEXT, texts.values().size());
                texts.values().forEach(this::text);
            }
            case GgufValue.Lists lists -> {
                list(GgufValue.Kind.LIST, lists.values().size());
                lists.values().forEach(this::value);
            }
            case GgufValue.Numbers numbers -> {
                list(numbers.of(), numbers.count());
                out.writeBytes(numbers.bytes().toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    private void list(GgufValue.Kind of, long count) {
        int32(of.id());
        int64(count);
    }

    void tensor(GgufWriter.Entry entry, long offset) {
        text(entry.name());
        int32(entry.shape().length);
        for (int i = entry.shape().length - 1; i >= 0; i--) {
            int64(entry.shape()[i]);
        }
        int32(entry.type().id());
        int64(offset);
    }

    private void text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int64(bytes.length);
        out.writeBytes(bytes);
    }

    private void int32(int value) {
        number(value, Integer.BYTES);
    }

    private void int64(long value) {
        number(value, Long.BYTES);
    }

    private void number(long value, int bytes) {
        byte[] all = ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        out.write(all, 0, bytes);
    }

    byte[] toByteArray() {
        return out.toByteArray();
    }
}
