package dev.lingyu.model;

import dev.lingyu.tensor.Tensor;
import java.util.List;

/// What an adapter does to one linear layer.
interface LinearAdapter {
    /// The layer's input as the base sees it.
    ///
    /// @param x [rows × in]
    default Tensor input(Tensor x) {
        return x;
    }

    /// The adapted output.
    ///
    /// @param linear the layer
    /// @param x      its input before any adapter [rows × in]
    /// @param y      its output so far [rows × out]
    Tensor output(Linear linear, Tensor x, Tensor y);

    /// The weight of a plain layer that computes the same.
    ///
    /// @param weight f32 [out × in]
    Tensor mergedWeight(Tensor weight);

    /// The bias of that layer.
    ///
    /// @param bias f32 [out]
    default Tensor mergedBias(Tensor bias) {
        return bias;
    }

    /// Forgets what it computed from weights that have changed since.
    default void weightsChanged() {}

    /// What it learns.
    List<Parameter> parameters();
}
