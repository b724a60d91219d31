package dev.lingyu.tensor.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/// A value in a GGUF file's metadata, with the kind it is stored in.
public sealed interface GgufValue {
    /// How a value is stored.
    Kind kind();

    /// The kinds of values, in the order of their numbers in files.
    enum Kind {
        U8(1),
        I8(1),
        U16(2),
        I16(2),
        U32(4),
        I32(4),
        F32(4),
        BOOL(1),
        TEXT(8),
        LIST(12),
        U64(8),
        I64(8),
        F64(8);

        private final int bytes;

        Kind(int bytes) {
            this.bytes = bytes;
        }

        /// Bytes of a value; of a text or list, the least that it can take.
        int bytes() {
            return bytes;
        }

        /// The number in files.
        int id() {
            return ordinal();
        }

        /// Whether its values are numbers or booleans, all of one size.
        boolean isFixed() {
            return this != TEXT && this != LIST;
        }

        boolean isReal() {
            return this == F32 || this == F64;
        }
    }

    /// A whole number; of kind U64, above 2⁶³ as its negative twin.
    record Whole(Kind kind, long value) implements GgufValue {}

    /// A number with a fraction.
    record Real(Kind kind, double value) implements GgufValue {}

    /// True or false.
    record Flag(boolean value) implements GgufValue {
        @Override
        public Kind kind() {
            return Kind.BOOL;
        }
    }

    /// A text.
    record Text(String value) implements GgufValue {
        @Override
        public Kind kind() {
            return Kind.TEXT;
        }
    }

    /// A list of texts.
    record Texts(List<String> values) implements GgufValue {
        @Override
        public Kind kind() {
            return Kind.LIST;
        }
    }

    /// A list of lists.
    record Lists(List<GgufValue> values) implements GgufValue {
        @Override
        public Kind kind() {
            return Kind.LIST;
        }
    }

    /// A list of numbers or booleans, as they stand in the file.
    ///
    /// @param of    the kind of each
    /// @param bytes all of them, little-endian
    record Numbers(Kind of, MemorySegment bytes) implements GgufValue {
        @Override
        public Kind kind() {
            return Kind.LIST;
        }

        /// How many.
        public long count() {
            return bytes.byteSize() / of.bytes();
        }

        /// One of them as a whole number; fractions are cut.
        public long whole(long index) {
            return of.isReal() ? (long) real(index) : GgufNumbers.whole(of, bytes, index * of.bytes());
        }

        /// One of them as a number with a fraction.
        public double real(long index) {
            return of.isReal() ? GgufNumbers.real(of, bytes, index * of.bytes()) : whole(index);
        }

        /// A list of 32-bit whole numbers.
        public static Numbers of(int[] values) {
            MemorySegment bytes = MemorySegment.ofArray(new byte[4 * values.length]);
            ValueLayout.OfInt layout = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < values.length; i++) {
                bytes.set(layout, 4L * i, values[i]);
            }
            return new Numbers(Kind.I32, bytes);
        }

        /// A list of floats.
        public static Numbers of(float[] values) {
            int[] bits = new int[values.length];
            for (int i = 0; i < bits.length; i++) {
                bits[i] = Float.floatToRawIntBits(values[i]);
            }
            return new Numbers(Kind.F32, of(bits).bytes());
        }
    }

    /// A whole number in 32 bits without sign, the usual kind for sizes.
    static GgufValue of(int value) {
        return new Whole(Kind.U32, value);
    }

    /// A float.
    static GgufValue of(float value) {
        return new Real(Kind.F32, value);
    }

    /// True or false.
    static GgufValue of(boolean value) {
        return new Flag(value);
    }

    /// A text.
    static GgufValue of(String value) {
        return new Text(value);
    }
}
