package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.S2I;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Adds bf16 gradients to f32 sums, or starts the sums with them, in one sweep: libtorch makes an f32 copy first.
public final class GradientKernel {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int LANES = F.length();

    private GradientKernel() {}

    /// Whether the kernel takes these.
    public static boolean takes(Tensor sums, Tensor gradients) {
        return sums.dtype() == DType.F32
                && gradients.dtype() == DType.BF16
                && sums.device().equals(Device.CPU)
                && sums.isContiguous()
                && gradients.isContiguous();
    }

    /// `sums += gradients`, or `sums = gradients`.
    ///
    /// @param sums      f32, contiguous
    /// @param gradients bf16, contiguous, as many
    /// @param overwrite whether what the sums hold counts for nothing
    public static void add(Tensor sums, Tensor gradients, boolean overwrite) {
        long n = sums.count();
        if (!takes(sums, gradients) || gradients.count() != n) {
            throw new IllegalArgumentException("Expected contiguous f32 sums and as many bf16 gradients on the CPU; "
                    + "found " + sums + " and " + gradients + ".");
        }
        long to = sums.address();
        long from = gradients.address();
        Workers.shared().run((part, parts) -> {
            long start = n / LANES * part / parts * LANES;
            long end = part + 1 == parts ? n : n / LANES * (part + 1) / parts * LANES;
            if (overwrite) {
                widen(from + 2 * start, to + 4 * start, end - start);
            } else {
                add(from + 2 * start, to + 4 * start, end - start);
            }
        });
    }

    private static void add(long from, long to, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, from + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats()
                    .add(FloatVector.fromMemorySegment(F, MEMORY, to + 4 * i, LITTLE_ENDIAN))
                    .intoMemorySegment(MEMORY, to + 4 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            MEMORY.set(
                    ValueLayout.JAVA_FLOAT, to + 4 * i, MEMORY.get(ValueLayout.JAVA_FLOAT, to + 4 * i) + at(from, i));
        }
    }

    private static void widen(long from, long to, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, from + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .intoMemorySegment(MEMORY, to + 4 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            MEMORY.set(ValueLayout.JAVA_FLOAT, to + 4 * i, at(from, i));
        }
    }

    private static float at(long x, long i) {
        return Float.intBitsToFloat(MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, x + 2 * i) << 16);
    }
}
