package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A weight matrix W [out × in] laid out for products on the CPU.
public abstract sealed class PanelMatrix implements AutoCloseable permits PackedMatrix, QuantizedMatrix {
    final long out;
    final long in;

    PanelMatrix(long out, long in) {
        this.out = out;
        this.in = in;
    }

    /// Whether [#multiply] is the fast way for so many rows.
    public abstract boolean takes(long rows);

    /// `x · Wᵀ + bias`, added up in f32. Up to 4 rows are added up in the order of the inputs.
    ///
    /// @param x    [rows × in] in a type that the matrix takes
    /// @param bias [out] in x's type
    /// @return [rows × out] in x's type
    public final Tensor multiply(Tensor x, Optional<Tensor> bias) {
        return multiply(x, List.of(this), List.of(bias)).getFirst();
    }

    /// The products of the same rows with several matrices, as queries, keys and values have them: each is what
    /// [#multiply(Tensor, Optional)] gives, but for few rows all panels are shared out at once.
    ///
    /// @param x      [rows × in]
    /// @param biases one per matrix
    public static List<Tensor> multiply(Tensor x, List<PanelMatrix> matrices, List<Optional<Tensor>> biases) {
        PanelMatrix first = matrices.getFirst();
        boolean byRow = true;
        List<Tensor> products = new ArrayList<>(matrices.size());
        for (PanelMatrix matrix : matrices) {
            matrix.check(x);
            byRow &= matrix.byRow(x) && matrix.scale() == first.scale() && matrix.sums() == first.sums();
            products.add(Tensor.empty(x.dtype(), Device.CPU, x.size(0), matrix.out));
        }
        try (Scope scope = Scope.open()) {
            Tensor rows = x.isContiguous() ? x : x.contiguous();
            if (byRow) {
                RowProduct product = new RowProduct(rows, first.in, first.scale(), first.sums());
                first.prepare(product);
                for (int i = 0; i < products.size(); i++) {
                    product.add(matrices.get(i).kernel(product), matrices.get(i).out, biases.get(i), products.get(i));
                }
                product.run();
            } else {
                for (int i = 0; i < products.size(); i++) {
                    matrices.get(i).multiplyMany(rows, biases.get(i), products.get(i));
                }
            }
        }
        return products;
    }

    /// @throws IllegalArgumentException where the matrix does not multiply such rows
    abstract void check(Tensor x);

    /// Whether x has few rows, whose products are [RowProduct]'s.
    abstract boolean byRow(Tensor x);

    /// What few rows are multiplied by.
    abstract float scale();

    /// How many sums of its inputs few rows need each.
    abstract long sums();

    /// Writes those sums.
    abstract void prepare(RowProduct product);

    /// The kernel for few rows.
    abstract RowProduct.Kernel kernel(RowProduct product);

    /// The product of more rows, contiguous.
    abstract void multiplyMany(Tensor x, Optional<Tensor> bias, Tensor y);

    /// Bytes held.
    public abstract long byteCount();

    @Override
    public abstract void close();
}
