package dev.lingyu.model;

import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/// A normalisation layer of either kind: LayerNorm where it has a bias, RMSNorm where it has none.
final class Norm {
    private final Parameter weight;
    private final Optional<Parameter> bias;
    private final double epsilon;

    Norm(Parameter weight, Optional<Parameter> bias, double epsilon) {
        this.weight = weight;
        this.bias = bias;
        this.epsilon = epsilon;
    }

    List<Parameter> parameters() {
        return bias.isPresent() ? List.of(weight, bias.get()) : List.of(weight);
    }

    Tensor apply(Tensor x) {
        return bias.isPresent()
                ? Functional.layerNorm(x, weight.value(), bias.get().value(), epsilon)
                : Functional.rmsNorm(x, weight.value(), epsilon);
    }
}
