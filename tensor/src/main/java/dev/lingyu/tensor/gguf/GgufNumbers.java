package dev.lingyu.tensor.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Little-endian numbers at any byte of a segment.
final class GgufNumbers {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private GgufNumbers() {}

    static int int32(MemorySegment bytes, long at) {
        return bytes.get(INT, at);
    }

    static long int64(MemorySegment bytes, long at) {
        return bytes.get(LONG, at);
    }

    /// A number or boolean of a kind that has no fraction.
    static long whole(GgufValue.Kind kind, MemorySegment bytes, long at) {
        return switch (kind) {
            case U8 -> Byte.toUnsignedLong(bytes.get(ValueLayout.JAVA_BYTE, at));
            case I8, BOOL -> bytes.get(ValueLayout.JAVA_BYTE, at);
            case U16 -> Short.toUnsignedLong(bytes.get(SHORT, at));
            case I16 -> bytes.get(SHORT, at);
            case U32 -> Integer.toUnsignedLong(bytes.get(INT, at));
            case I32 -> bytes.get(INT, at);
            case U64, I64 -> bytes.get(LONG, at);
            default -> throw new IllegalArgumentException(kind + " is no whole number");
        };
    }

    /// A number of a kind that has a fraction.
    static double real(GgufValue.Kind kind, MemorySegment bytes, long at) {
        return kind == GgufValue.Kind.F64
                ? Double.longBitsToDouble(bytes.get(LONG, at))
                : Float.intBitsToFloat(bytes.get(INT, at));
    }
}
