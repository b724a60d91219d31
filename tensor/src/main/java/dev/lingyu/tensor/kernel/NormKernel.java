package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/// RMSNorm and LayerNorm of rows, computed in f32. A row's bits do not depend on the rows beside it.
///
/// Libtorch takes four operations for an RMSNorm of 16 bits, 40 microseconds for one row; this takes one or two.
public final class NormKernel {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = F.length();

    private final DType dtype;
    private final long width;
    private final long weight;
    private final long bias;
    private final boolean centred;
    private final double epsilon;

    private NormKernel(DType dtype, long width, long weight, long bias, boolean centred, double epsilon) {
        this.dtype = dtype;
        this.width = width;
        this.weight = weight;
        this.bias = bias;
        this.centred = centred;
        this.epsilon = epsilon;
    }

    /// Whether the kernel takes such rows.
    public static boolean takes(Tensor x, Tensor weight) {
        DType dtype = x.dtype();
        return (dtype == DType.BF16 || dtype == DType.F16 || dtype == DType.F32)
                && weight.dtype() == dtype
                && x.device().equals(Device.CPU)
                && weight.device().equals(Device.CPU)
                && x.isContiguous();
    }

    /// `x / √(mean(x²) + ε) · weight` over the last dimension (Zhang & Sennrich 2019), the normalised value rounded to
    /// x's type before the product, as LLaMA does.
    ///
    /// @param x      [… × n] in bf16, f16 or f32, contiguous
    /// @param weight [n] in x's type
    /// @return as x
    public static Tensor rms(Tensor x, Tensor weight, double epsilon) {
        return apply(x, weight, Optional.empty(), epsilon);
    }

    /// `(x − mean) / √(variance + ε) · weight + bias` over the last dimension (Ba et al. 2016), rounded once.
    ///
    /// @param x      [… × n] in bf16, f16 or f32, contiguous
    /// @param weight [n] in x's type
    /// @param bias   [n] in x's type
    /// @return as x
    public static Tensor layer(Tensor x, Tensor weight, Tensor bias, double epsilon) {
        return apply(x, weight, Optional.of(bias), epsilon);
    }

    private static Tensor apply(Tensor x, Tensor weight, Optional<Tensor> bias, double epsilon) {
        long width = x.size(-1);
        if (!takes(x, weight)
                || weight.count() != width
                || bias.isPresent()
                        && (bias.get().dtype() != x.dtype() || bias.get().count() != width)) {
            throw new IllegalArgumentException("Expected contiguous rows of bf16, f16 or f32 on the CPU and weights of "
                    + "their type and length; found " + x + ", " + weight + " and " + bias + ".");
        }
        Tensor y = Tensor.empty(x.dtype(), Device.CPU, x.shape());
        long b = bias.isPresent() ? bias.get().address() : 0;
        new NormKernel(x.dtype(), width, weight.address(), b, bias.isPresent(), epsilon)
                .run(x.address(), x.count() / width, y.address());
        return y;
    }

    private void run(long x, long rows, long y) {
        long step = width * dtype.byteSize();
        try (Scope scope = Scope.open()) {
            // The weights as f32, and for each worker a row and the partial sums of a vector's lanes.
            long scratch = Scratch.address(
                    2 * width + (width + LANES) * Workers.shared().threads());
            NarrowRows.widen(dtype, weight, width, 1, scratch);
            if (centred) {
                NarrowRows.widen(dtype, bias, width, 1, scratch + 4 * width);
            }
            Workers.shared().share(rows, width, (part, row) -> {
                long own = scratch + 8 * width + 4 * (width + LANES) * part;
                NarrowRows.widen(dtype, x + step * row, width, 1, own);
                if (centred) {
                    layer(own, scratch, y + step * row);
                } else {
                    rms(own, scratch, y + step * row);
                }
            });
        }
    }

    private void rms(long row, long weights, long y) {
        double mean = squares(row, 0, width, row + 4 * width) / width;
        scale(row, 0, (float) (1 / Math.sqrt(mean + epsilon)), width);
        if (dtype != DType.F32) {
            NarrowRows.round(dtype, row, width, 0, y);
            NarrowRows.widen(dtype, y, width, 1, row);
        }
        multiply(row, weights, width);
        NarrowRows.round(dtype, row, width, 0, y);
    }

    private void layer(long row, long weights, long y) {
        float mean = (float) (sum(row, width, row + 4 * width) / width);
        double variance = squares(row, mean, width, row + 4 * width) / width;
        scale(row, mean, (float) (1 / Math.sqrt(variance + epsilon)), width);
        multiplyAndAdd(row, weights, weights + 4 * width, width);
        NarrowRows.round(dtype, row, width, 0, y);
    }

    /// @param lanes room for a vector
    private static double sum(long a, long n, long lanes) {
        FloatVector sum = FloatVector.zero(F);
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            sum = sum.add(FloatVector.fromMemorySegment(F, MEMORY, a + 4 * i, LITTLE_ENDIAN));
        }
        sum.intoMemorySegment(MEMORY, lanes, LITTLE_ENDIAN);
        double total = total(lanes);
        for (long i = end; i < n; i++) {
            total += MEMORY.get(FLOAT, a + 4 * i);
        }
        return total;
    }

    /// `Σ (a − middle)²`.
    private static double squares(long a, float middle, long n, long lanes) {
        FloatVector sum = FloatVector.zero(F);
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector x = FloatVector.fromMemorySegment(F, MEMORY, a + 4 * i, LITTLE_ENDIAN)
                    .sub(middle);
            sum = x.fma(x, sum);
        }
        sum.intoMemorySegment(MEMORY, lanes, LITTLE_ENDIAN);
        double total = total(lanes);
        for (long i = end; i < n; i++) {
            double x = MEMORY.get(FLOAT, a + 4 * i) - middle;
            total += x * x;
        }
        return total;
    }

    /// Lane by lane, as in [SoftmaxKernel]: the order in which reduceLanes adds changes when a method is compiled.
    private static double total(long lanes) {
        double total = 0;
        for (long lane = 0; lane < LANES; lane++) {
            total += MEMORY.get(FLOAT, lanes + 4 * lane);
        }
        return total;
    }

    private static void scale(long a, float middle, float factor, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector.fromMemorySegment(F, MEMORY, a + 4 * i, LITTLE_ENDIAN)
                    .sub(middle)
                    .mul(factor)
                    .intoMemorySegment(MEMORY, a + 4 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            MEMORY.set(FLOAT, a + 4 * i, (MEMORY.get(FLOAT, a + 4 * i) - middle) * factor);
        }
    }

    private static void multiply(long a, long b, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector.fromMemorySegment(F, MEMORY, a + 4 * i, LITTLE_ENDIAN)
                    .mul(FloatVector.fromMemorySegment(F, MEMORY, b + 4 * i, LITTLE_ENDIAN))
                    .intoMemorySegment(MEMORY, a + 4 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            MEMORY.set(FLOAT, a + 4 * i, MEMORY.get(FLOAT, a + 4 * i) * MEMORY.get(FLOAT, b + 4 * i));
        }
    }

    private static void multiplyAndAdd(long a, long b, long c, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector.fromMemorySegment(F, MEMORY, a + 4 * i, LITTLE_ENDIAN)
                    .fma(
                            FloatVector.fromMemorySegment(F, MEMORY, b + 4 * i, LITTLE_ENDIAN),
                            FloatVector.fromMemorySegment(F, MEMORY, c + 4 * i, LITTLE_ENDIAN))
                    .intoMemorySegment(MEMORY, a + 4 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            MEMORY.set(
                    FLOAT,
                    a + 4 * i,
                    Math.fma(MEMORY.get(FLOAT, a + 4 * i), MEMORY.get(FLOAT, b + 4 * i), MEMORY.get(FLOAT, c + 4 * i)));
        }
    }
}
