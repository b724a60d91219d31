package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.Tensor;
import java.util.Optional;

/// A weight matrix W [out × in] laid out for products on the CPU.
public sealed interface PanelMatrix extends AutoCloseable permits PackedMatrix, QuantizedMatrix {
    /// Whether [#multiply] is the fast way for so many rows.
    boolean takes(long rows);

    /// `x · Wᵀ + bias`.
    ///
    /// @param x    [rows × in]
    /// @param bias [out]
    /// @return [rows × out] in x's type
    Tensor multiply(Tensor x, Optional<Tensor> bias);

    /// Bytes held.
    long byteCount();

    @Override
    void close();
}
