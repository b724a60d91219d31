package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/// Turns pairs of features of query and key heads, in place: `(a, b) → (a cos − b sin, b cos + a sin)` (Su et al.
/// 2021, eq. 34), computed in f32 and rounded once.
public final class RotaryKernel {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = F.length();

    private RotaryKernel() {}

    /// Whether the kernel takes such heads.
    ///
    /// @param x [tokens × heads × size]
    public static boolean takes(Tensor x) {
        DType dtype = x.dtype();
        return (dtype == DType.BF16 || dtype == DType.F16 || dtype == DType.F32)
                && x.device().equals(Device.CPU)
                && x.rank() == 3
                && x.stride(2) == 1;
    }

    /// Turns the first features of every head.
    ///
    /// @param x           [tokens × heads × size] in bf16, f16 or f32, features without gaps; changed
    /// @param cos         [tokens × … × half] in x's type, contiguous; `2 · half ≤ size`
    /// @param sin         as cos
    /// @param interleaved whether pairs are neighbours, instead of the two halves
    public static void turn(Tensor x, Tensor cos, Tensor sin, boolean interleaved) {
        check(x, cos);
        check(x, sin);
        DType dtype = x.dtype();
        long bytes = dtype.byteSize();
        long half = cos.size(-1);
        long heads = x.size(1);
        long tokenStep = bytes * x.stride(0);
        long headStep = bytes * x.stride(1);
        long from = x.address();
        long cosines = cos.address();
        long sines = sin.address();
        try (Scope scope = Scope.open()) {
            long scratch = Scratch.address(4 * half * Workers.shared().threads());
            Workers.shared().share(x.size(0), heads * 2 * half, (part, token) -> {
                long c = scratch + 16 * half * part;
                long s = c + 4 * half;
                long row = s + 4 * half;
                NarrowRows.widen(dtype, cosines + bytes * half * token, half, 1, c);
                NarrowRows.widen(dtype, sines + bytes * half * token, half, 1, s);
                for (long head = 0; head < heads; head++) {
                    long at = from + tokenStep * token + headStep * head;
                    NarrowRows.widen(dtype, at, 2 * half, 1, row);
                    if (interleaved) {
                        neighbours(row, c, s, half);
                    } else {
                        halves(row, c, s, half);
                    }
                    NarrowRows.round(dtype, row, 2 * half, 0, at);
                }
            });
        }
    }

    private static void halves(long x, long c, long s, long half) {
        long end = half - half % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector a = FloatVector.fromMemorySegment(F, MEMORY, x + 4 * i, LITTLE_ENDIAN);
            FloatVector b = FloatVector.fromMemorySegment(F, MEMORY, x + 4 * (half + i), LITTLE_ENDIAN);
            FloatVector cos = FloatVector.fromMemorySegment(F, MEMORY, c + 4 * i, LITTLE_ENDIAN);
            FloatVector sin = FloatVector.fromMemorySegment(F, MEMORY, s + 4 * i, LITTLE_ENDIAN);
            a.mul(cos).sub(b.mul(sin)).intoMemorySegment(MEMORY, x + 4 * i, LITTLE_ENDIAN);
            b.mul(cos).add(a.mul(sin)).intoMemorySegment(MEMORY, x + 4 * (half + i), LITTLE_ENDIAN);
        }
        for (long i = end; i < half; i++) {
            turn(x + 4 * i, x + 4 * (half + i), MEMORY.get(FLOAT, c + 4 * i), MEMORY.get(FLOAT, s + 4 * i));
        }
    }

    private static void neighbours(long x, long c, long s, long half) {
        for (long i = 0; i < half; i++) {
            turn(x + 8 * i, x + 8 * i + 4, MEMORY.get(FLOAT, c + 4 * i), MEMORY.get(FLOAT, s + 4 * i));
        }
    }

    private static void turn(long first, long second, float cos, float sin) {
        float a = MEMORY.get(FLOAT, first);
        float b = MEMORY.get(FLOAT, second);
        MEMORY.set(FLOAT, first, a * cos - b * sin);
        MEMORY.set(FLOAT, second, b * cos + a * sin);
    }

    private static void check(Tensor x, Tensor angles) {
        if (!takes(x)
                || angles.dtype() != x.dtype()
                || !angles.isContiguous()
                || angles.count() != x.size(0) * angles.size(-1)
                || 2 * angles.size(-1) > x.size(2)) {
            throw new IllegalArgumentException("Expected heads [tokens × heads × size] of bf16, f16 or f32 on the CPU, "
                    + "and for each token up to size/2 angles of that type; found " + x + " and " + angles + ".");
        }
    }
}
