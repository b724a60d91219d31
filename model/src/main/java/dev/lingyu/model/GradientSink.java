package dev.lingyu.model;

import dev.lingyu.tensor.Tensor;

/// Where the gradients of weights go as a backward pass finds them.
public interface GradientSink {
    /// Whether a weight is trained, so that its gradient is wanted.
    boolean updates(Parameter parameter);

    /// Adds to the gradient of a weight.
    ///
    /// @param gradient of the weight's shape, any floating type
    void accumulate(Parameter parameter, Tensor gradient);

    /// Adds `outputGradientsᵀ · inputs` to the gradient of the weight of a product `y = x · Wᵀ`.
    ///
    /// @param weight          W [out × in]
    /// @param outputGradients of y [rows × out]
    /// @param inputs          x [rows × in]
    void accumulateProduct(Parameter weight, Tensor outputGradients, Tensor inputs);
}
