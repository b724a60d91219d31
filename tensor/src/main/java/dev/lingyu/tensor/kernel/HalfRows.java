package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Rows of 16 bits into f32 and back, around products that compute in f32.
final class HalfRows {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int LANES = F.length();

    private HalfRows() {}

    /// Widens numbers to f32, f16 multiplied by [HalfPanels#HALF_SCALE].
    ///
    /// @param half whether they are f16, else bf16
    /// @param from address of n numbers
    /// @param to   address of n f32, written
    static void widen(boolean half, long from, long n, long to) {
        long end = half ? 0 : n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, from + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .intoMemorySegment(MEMORY, to + 4 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            float value = value(half, MEMORY.get(SHORT, from + 2 * i));
            MEMORY.set(FLOAT, to + 4 * i, half ? value * HalfPanels.HALF_SCALE : value);
        }
    }

    /// Adds a bias and rounds to the nearest, ties to even.
    ///
    /// @param half whether results are f16, else bf16
    /// @param from address of n f32
    /// @param bias address of n numbers of 16 bits, or 0 for none
    /// @param to   address of n numbers, written
    static void round(boolean half, long from, long n, long bias, long to) {
        long end = half ? 0 : n - n % LANES;
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
            if (bias != 0) {
                sum += value(half, MEMORY.get(SHORT, bias + 2 * i));
            }
            MEMORY.set(SHORT, to + 2 * i, half ? Float.floatToFloat16(sum) : bfloat16(sum));
        }
    }

    private static float value(boolean half, short bits) {
        return half ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
    }

    private static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
    }
}
