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
        return bias.isPresent()
                ? Functional.layerNorm(x, weight.value(), bias.get().value(), epsilon)
                : Functional.rmsNorm(x, weight.value(), epsilon);
    }

    /// The same for a pass that nothing records, by a kernel where there is one.
    ///
    /// Passes of training do without it also where they do not record, so that what is computed again has the same
    /// bits.
    Tensor infer(Tensor x) {
        Tensor w = weight.value();
        if (!NormKernel.takes(x, w)) {
            return apply(x);
        }
        return bias.isPresent() ? NormKernel.layer(x, w, bias.get().value(), epsilon) : NormKernel.rms(x, w, epsilon);
    }
}
