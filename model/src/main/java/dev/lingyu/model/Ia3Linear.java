package dev.lingyu.model;

import dev.lingyu.tensor.Tensor;
import java.util.List;

/// IA³ on one layer: a factor for each output feature, bias included, or for each input feature.
final class Ia3Linear implements LinearAdapter {
    private final Parameter factors;
    private final boolean ofInputs;

    /// @param factors  [1 × in] or [out × 1]
    /// @param ofInputs whether inputs are scaled, as in feed-forward modules
    Ia3Linear(Parameter factors, boolean ofInputs) {
        this.factors = factors;
        this.ofInputs = ofInputs;
    }

    @Override
    public Tensor input(Tensor x) {
        return ofInputs ? x.mul(factors.value()).to(x.dtype()) : x;
    }

    @Override
    public Tensor output(Linear linear, Tensor x, Tensor y) {
        return ofInputs ? y : y.mul(factors.value().reshape(1, -1)).to(y.dtype());
    }

    @Override
    public Tensor mergedWeight(Tensor weight) {
        return weight.mul(factors.value());
    }

    @Override
    public Tensor mergedBias(Tensor bias) {
        return ofInputs ? bias : bias.mul(factors.value().reshape(-1));
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(factors);
    }
}
