package dev.lingyu.model;

import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.NormKernel;
import java.util.List;
import java.util.Optional;

/// A normalisation layer of either kind: LayerNorm where it has a bias, RMSNorm where it has none.
final class Norm {
    private final Slot weight;
    private final Optional<Slot> bias;
    private final double epsilon;

    Norm(Parameter weight, Optional<Parameter> bias, double epsilon) {
        this(new Slot(weight), bias.map(Slot::new), epsilon);
    }

    Norm(Slot weight, Optional<Slot> bias, double epsilon) {
        this.weight = weight;
        this.bias = bias;
        this.epsilon = epsilon;
    }

    List<Parameter> parameters() {
        return bias.isPresent() ? List.of(weight.get(), bias.get().get()) : List.of(weight.get());
    }

    Tensor apply(Tensor x) {
        Tensor w = weight.value();
        if (!GradientTape.isRecording() && NormKernel.takes(x, w)) {
            return bias.isPresent()
                    ? NormKernel.layer(x, w, bias.get().value(), epsilon)
                    : NormKernel.rms(x, w, epsilon);
        }
        return bias.isPresent()
                ? Functional.layerNorm(x, w, bias.get().value(), epsilon)
                : Functional.rmsNorm(x, w, epsilon);
    }
}
