package dev.lingyu.train;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.GradientKernel;

/// Adds matrix products to f32 sums: `sum += aᵀ · b`, the gradient of a weight.
///
/// libtorch multiplies 16-bit matrices only into 16 bits. So a product is made some rows at a time in kept memory
/// that stays in the processor's cache, and added from there: main memory sees the sums alone. In f32 the product
/// goes straight into the sum.
final class ProductSums {
    /// Elements of a tile: 4 MiB in 16 bits, and still a product at full speed.
    private static final long TILE = 2L << 20;

    private final KeptMemory memory;

    ProductSums(KeptMemory memory) {
        this.memory = memory;
    }

    /// Adds a product, or starts the sum with it.
    ///
    /// @param sum       f32 [out × in]
    /// @param overwrite whether what the sum holds counts for nothing
    /// @param a         [rows × out]
    /// @param b         [rows × in]
    void add(Tensor sum, boolean overwrite, Tensor a, Tensor b) {
        if (b.dtype() == DType.F32) {
            if (overwrite) {
                sum.matmulInto(a.transpose(0, 1), b);
            } else {
                sum.addMatmulInPlace(a.transpose(0, 1), b);
            }
            return;
        }
        long out = sum.size(0);
        long in = sum.size(1);
        long step = Math.max(1, TILE / in);
        for (long from = 0; from < out; from += step) {
            try (Scope scope = Scope.open()) {
                long n = Math.min(step, out - from);
                Tensor tile = memory.matrix("product", b, n, in);
                tile.matmulInto(a.narrow(1, from, n).transpose(0, 1), b);
                put(sum.narrow(0, from, n), overwrite, tile);
            }
        }
    }

    private static void put(Tensor place, boolean overwrite, Tensor tile) {
        if (GradientKernel.takes(place, tile)) {
            GradientKernel.add(place, tile, overwrite);
        } else if (overwrite) {
            place.copyInPlace(tile);
        } else {
            place.addInPlace(tile);
        }
    }
}
