package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import dev.lingyu.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Rows of 16 bits to f32 and back, around products that compute in f32; f32 rows are copied.
final class NarrowRows {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int LANES = F.length();

    private NarrowRows() {}

    /// Widens numbers to f32.
    ///
    /// @param dtype  bf16, f16 or f32
    /// @param from   address of n numbers
    /// @param factor what they are multiplied by
    /// @param to     address of n f32, written
    static void widen(DType dtype, long from, long n, float factor, long to) {
        if (dtype == DType.F32 && factor == 1) {
            MemorySegment.copy(MEMORY, from, MEMORY, to, 4 * n);
            return;
        }
        long end = dtype == DType.BF16 && factor == 1 ? n - n % LANES : 0;
        for (long i = 0; i < end; i += LANES) {
            ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, from + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .intoMemorySegment(MEMORY, to + 4 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            MEMORY.set(FLOAT, to + 4 * i, at(dtype, from, i) * factor);
        }
    }

    /// Adds a bias and rounds to the nearest, ties to even.
    ///
    /// @param dtype what results and bias are: bf16, f16 or f32
    /// @param from  address of n f32
    /// @param bias  address of n numbers, or 0 for none
    /// @param to    address of n numbers, written
    static void round(DType dtype, long from, long n, long bias, long to) {
        if (dtype == DType.F32 && bias == 0) {
            MemorySegment.copy(MEMORY, from, MEMORY, to, 4 * n);
            return;
        }
        long end = dtype == DType.BF16 ? n - n % LANES : 0;
        for (long i = 0; i < end; i += LANES) {
            FloatVector sum = FloatVector.fromMemorySegment(F, MEMORY, from + 4 * i, LITTLE_ENDIAN);
            if (bias != 0) {
                sum = sum.add(((IntVector) ShortVector.fromMemorySegment(S, MEMORY, bias + 2 * i, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .reinterpretAsFloats());
            }
            IntVector bits = sum.reinterpretAsInts();
            bits = bits.add(bits.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            ((ShortVector) bits.convertShape(I2S, S, 0)).intoMemorySegment(MEMORY, to + 2 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            float sum = MEMORY.get(FLOAT, from + 4 * i);
            put(dtype, to, i, bias == 0 ? sum : sum + at(dtype, bias, i));
        }
    }

    private static float at(DType dtype, long from, long i) {
        return switch (dtype) {
            case BF16 -> Float.intBitsToFloat(MEMORY.get(SHORT, from + 2 * i) << 16);
            case F16 -> Float.float16ToFloat(MEMORY.get(SHORT, from + 2 * i));
            default -> MEMORY.get(FLOAT, from + 4 * i);
        };
    }

    private static void put(DType dtype, long to, long i, float value) {
        switch (dtype) {
            case BF16 -> {
                int bits = Float.floatToRawIntBits(value);
                MEMORY.set(SHORT, to + 2 * i, (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16));
            }
            case F16 -> MEMORY.set(SHORT, to + 2 * i, Float.floatToFloat16(value));
            default -> MEMORY.set(FLOAT, to + 4 * i, value);
        }
    }
}
