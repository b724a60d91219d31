package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;

/// Sums of few rows, as residual connections have them: libtorch takes longer to be called than to add.
public final class SumKernel {
    /// Elements up to which one thread adds faster than libtorch's would be told to.
    private static final long FEW = 1 << 16;

    private static final long PIECE = 1 << 12;

    private SumKernel() {}

    /// Whether the kernel takes them: few, of one type, without gaps, on the CPU.
    public static boolean takes(Tensor x, Tensor y) {
        DType dtype = x.dtype();
        return (dtype == DType.BF16 || dtype == DType.F16 || dtype == DType.F32)
                && y.dtype() == dtype
                && x.device().equals(Device.CPU)
                && y.device().equals(Device.CPU)
                && x.count() <= FEW
                && x.count() == y.count()
                && x.isContiguous()
                && y.isContiguous();
    }

    /// `y += x`, rounded once.
    ///
    /// @param x bf16, f16 or f32, contiguous
    /// @param y of x's shape and type, contiguous; changed
    public static void add(Tensor x, Tensor y) {
        if (!takes(x, y)) {
            throw new IllegalArgumentException(
                    "Expected at most " + FEW + " contiguous elements of bf16, f16 or f32 on "
                            + "the CPU and as many of that type; found " + x + " and " + y + ".");
        }
        DType dtype = x.dtype();
        long bytes = dtype.byteSize();
        long n = x.count();
        long from = x.address();
        long to = y.address();
        try (Scope scope = Scope.open()) {
            long wide = Scratch.address(PIECE);
            for (long i = 0; i < n; i += PIECE) {
                long count = Math.min(PIECE, n - i);
                NarrowRows.widen(dtype, from + bytes * i, count, 1, wide);
                NarrowRows.round(dtype, wide, count, to + bytes * i, to + bytes * i);
            }
        }
    }
}
