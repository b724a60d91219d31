package dev.lingyu.tensor.gguf;

import dev.lingyu.tensor.TensorException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Reads a GGUF file's header from front to back; every length and count is compared with the bytes that are
/// left before anything is allocated for it.
final class GgufCursor {
    /// A chat template of some kilobytes is the longest text that published files hold.
    private static final int MAX_TEXT = 1 << 26;

    private static final int MAX_KEY = 65_535;
    private static final int MAX_NAME = 64;
    private static final int MAX_DEPTH = 4;

    private final MemorySegment bytes;
    private final Path file;
    private long at;

    GgufCursor(MemorySegment bytes, Path file, long at) {
        this.bytes = bytes;
        this.file = file;
        this.at = at;
    }

    long position() {
        return at;
    }

    int int32(String what) {
        need(4, what);
        at += 4;
        return GgufNumbers.int32(bytes, at - 4);
    }

    long int64(String what) {
        need(8, what);
        at += 8;
        return GgufNumbers.int64(bytes, at - 8);
    }

    /// A count of things of which each takes at least so many bytes.
    long count(String what, int leastBytes) {
        long count = int64(what);
        long room = (bytes.byteSize() - at) / leastBytes;
        if (count < 0 || count > room) {
            throw broken("it promises %s %s, but has room for %d at most"
                    .formatted(Long.toUnsignedString(count), what, room));
        }
        return count;
    }

    /// A key of the metadata.
    String key() {
        return text("a metadata key", MAX_KEY);
    }

    private String text(String what, int limit) {
        long length = int64("the length of " + what);
        if (length < 0 || length > limit) {
            throw broken("%s is said to be %s bytes long, at most %d were expected"
                    .formatted(what, Long.toUnsignedString(length), limit));
        }
        need(length, what);
        byte[] text = bytes.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
        at += length;
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(text))
                    .toString();
        } catch (CharacterCodingException e) {
            throw broken(what + " is not UTF-8");
        }
    }

    GgufValue.Kind kind(String key) {
        int id = int32("the kind of \"" + key + "\"");
        GgufValue.Kind[] kinds = GgufValue.Kind.values();
        if (id < 0 || id >= kinds.length) {
            throw broken("\"%s\" is of kind %s, 0 to %d were expected"
                    .formatted(key, Integer.toUnsignedString(id), kinds.length - 1));
        }
        return kinds[id];
    }

    GgufValue value(String key) {
        return value(kind(key), key, 0);
    }

    private GgufValue value(GgufValue.Kind kind, String key, int depth) {
        return switch (kind) {
            case TEXT -> new GgufValue.Text(text("the value of \"" + key + "\"", MAX_TEXT));
            case LIST -> list(key, depth);
            case BOOL -> new GgufValue.Flag(flag(key));
            case F32, F64 -> {
                need(kind.bytes(), "the value of \"" + key + "\"");
                at += kind.bytes();
                yield new GgufValue.Real(kind, GgufNumbers.real(kind, bytes, at - kind.bytes()));
            }
            default -> {
                need(kind.bytes(), "the value of \"" + key + "\"");
                at += kind.bytes();
                yield new GgufValue.Whole(kind, GgufNumbers.whole(kind, bytes, at - kind.bytes()));
            }
        };
    }

    private boolean flag(String key) {
        need(1, "the value of \"" + key + "\"");
        byte value = bytes.get(ValueLayout.JAVA_BYTE, at++);
        if (value != 0 && value != 1) {
            throw broken("\"%s\" is neither true (1) nor false (0) but %d".formatted(key, value));
        }
        return value == 1;
    }

    private GgufValue list(String key, int depth) {
        if (depth == MAX_DEPTH) {
            throw broken("\"%s\" holds lists in lists deeper than %d".formatted(key, MAX_DEPTH));
        }
        GgufValue.Kind kind = kind(key);
        long count = count("values in \"" + key + "\"", kind.bytes());
        if (kind.isFixed()) {
            MemorySegment values = bytes.asSlice(at, count * kind.bytes());
            at += values.byteSize();
            return new GgufValue.Numbers(kind, values);
        }
        if (kind == GgufValue.Kind.TEXT) {
            List<String> texts = new ArrayList<>();
            String what = "a text in \"" + key + "\"";
            for (long i = 0; i < count; i++) {
                texts.add(text(what, MAX_TEXT));
            }
            return new GgufValue.Texts(texts);
        }
        List<GgufValue> lists = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            lists.add(list(key, depth + 1));
        }
        return new GgufValue.Lists(lists);
    }

    /// One entry of the tensor table; its offset is still relative to the data.
    GgufTensor tensor() {
        String name = text("a tensor's name", MAX_NAME);
        int dimensions = int32("the dimensions of \"" + name + "\"");
        if (dimensions < 1 || dimensions > 4) {
            throw broken("tensor \"%s\" has %s dimensions, 1 to 4 were expected"
                    .formatted(name, Integer.toUnsignedString(dimensions)));
        }
        long[] shape = new long[dimensions];
        long count = 1;
        for (int i = dimensions - 1; i >= 0; i--) {
            shape[i] = int64("the shape of \"" + name + "\"");
            if (shape[i] < 1) {
                throw broken("tensor \"%s\" has %s in its shape, a whole number ≥ 1 was expected"
                        .formatted(name, Long.toUnsignedString(shape[i])));
            }
            try {
                count = Math.multiplyExact(count, shape[i]);
            } catch (ArithmeticException e) {
                throw broken("tensor \"%s\" has more values than there are numbers".formatted(name));
            }
        }
        int id = int32("the type of \"" + name + "\"");
        Optional<GgufType> type = GgufType.of(id);
        if (type.isEmpty()) {
            throw new TensorException("%s: the tensor \"%s\" is of type %s, which this program can't read; it reads %s."
                    .formatted(file, name, GgufType.nameOf(id), GgufType.names()));
        }
        return new GgufTensor(
                name,
                type.get(),
                shape,
                int64("the offset of \"" + name + "\""),
                bytes(name, type.get(), shape, count));
    }

    private long bytes(String name, GgufType type, long[] shape, long count) {
        long columns = shape[shape.length - 1];
        if (columns % type.blockSize() != 0) {
            throw broken("tensor \"%s\" has rows of %d values, which blocks of %d (%s) don't fill"
                    .formatted(name, columns, type.blockSize(), type));
        }
        try {
            return type.bytes(count);
        } catch (ArithmeticException e) {
            throw broken("tensor \"%s\" has more bytes than there are numbers".formatted(name));
        }
    }

    private void need(long length, String what) {
        if (length > bytes.byteSize() - at) {
            throw new TensorException("%s is cut off: %s needs %d bytes at byte %d, the file has only %d. %s"
                    .formatted(file, what, length, at, bytes.byteSize(), GgufFile.AGAIN));
        }
    }

    TensorException broken(String why) {
        return GgufFile.broken(file, why);
    }
}
