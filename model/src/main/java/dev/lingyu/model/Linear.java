package dev.lingyu.model;

import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Tensor;
import java.util.Optional;

/// `y = x · Wᵀ + b`. The place where kernels are chosen and adapters are attached; nothing above knows.
public final class Linear {
    private final Parameter weight;
    private final Optional<Parameter> bias;

    Linear(Parameter weight, Optional<Parameter> bias) {
        this.weight = weight;
        this.bias = bias;
    }

    /// W [out × in].
    public Parameter weight() {
        return weight;
    }

    /// b [out].
    public Optional<Parameter> bias() {
        return bias;
    }

    /// Applies the layer.
    ///
    /// @param x [rows × in]
    /// @return [rows × out]
    public Tensor apply(Tensor x) {
        return Functional.linear(x, weight.value(), bias.map(Parameter::value));
    }
}
