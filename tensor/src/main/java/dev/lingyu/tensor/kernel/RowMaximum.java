package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.MAX;
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

/// Where the largest number of each row of bf16 stands: the greedy choice among logits.
public final class RowMaximum {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int LANES = F.length();
    private static final int PIECE = 1024;

    private RowMaximum() {}

    /// The lowest column with the largest number in each row; numbers that are none count as the smallest.
    ///
    /// @param x [rows × columns]; bf16 on the CPU without gaps by kernel, anything else by libtorch
    public static int[] of(Tensor x) {
        if (x.rank() != 2 || x.dtype() != DType.BF16 || !x.device().equals(Device.CPU) || !x.isContiguous()) {
            return x.argmax(-1).toInts();
        }
        int[] best = new int[Math.toIntExact(x.size(0))];
        long from = x.address();
        int columns = Math.toIntExact(x.size(1));
        Workers.shared().run((part, parts) -> {
            for (int row = part; row < best.length; row += parts) {
                best[row] = best(from + 2L * columns * row, columns);
            }
        });
        return best;
    }

    private static int best(long row, int columns) {
        int best = 0;
        float top = Float.NEGATIVE_INFINITY;
        for (int piece = 0; piece < columns; piece += PIECE) {
            int end = Math.min(columns, piece + PIECE);
            float largest = largest(row, piece, end);
            if (largest > top) {
                top = largest;
                best = piece;
                while (at(row, best) != top) {
                    best++;
                }
            }
        }
        return best;
    }

    private static float largest(long row, int begin, int end) {
        FloatVector top = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        long full = end - (end - begin) % LANES;
        for (long i = begin; i < full; i += LANES) {
            FloatVector x = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, row + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            top = top.blend(x, x.compare(GT, top));
        }
        float largest = top.reduceLanes(MAX);
        for (long i = full; i < end; i++) {
            float x = at(row, i);
            largest = x > largest ? x : largest;
        }
        return largest;
    }

    private static float at(long row, long i) {
        return Float.intBitsToFloat(MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, row + 2 * i) << 16);
    }
}
