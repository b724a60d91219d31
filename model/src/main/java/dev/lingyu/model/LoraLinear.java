package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// LoRA on one layer: `y + s · B(A(dropout(x)))`, computed in the type of A, as PEFT does; with a
/// magnitude, DoRA.
final class LoraLinear implements LinearAdapter {
    private final Parameter a;
    private final Parameter b;
    private final Optional<Parameter> magnitude;
    private final double scale;
    private final double dropout;
    private final DropoutMasks masks;
    private final int place;
    private @Nullable Tensor normOfFrozen;

    /// @param a         A [r × in]
    /// @param b         B [out × r]
    /// @param magnitude DoRA's m [out]
    /// @param place     this layer's number among the adapted ones
    LoraLinear(
            Parameter a,
            Parameter b,
            Optional<Parameter> magnitude,
            double scale,
            double dropout,
            DropoutMasks masks,
            int place) {
        this.a = a;
        this.b = b;
        this.magnitude = magnitude;
        this.scale = scale;
        this.dropout = dropout;
        this.masks = masks;
        this.place = place;
    }

    @Override
    public Tensor output(Linear linear, Tensor x, Tensor y) {
        Tensor dropped = masks.apply(x.to(a.value().dtype()), dropout, place);
        Tensor low = Functional.linear(dropped, a.value(), Optional.empty());
        Tensor delta = Functional.linear(low, b.value(), Optional.empty()).mul(scale);
        if (magnitude.isEmpty()) {
            return y.add(delta).to(y.dtype());
        }
        // y + (m/‖W'‖ − 1) · W x + m/‖W'‖ · s B A x, with W x of what dropout left.
        Tensor ratio = magnitude.get().value().div(norm(linear));
        Tensor base = masks.drops(dropout) ? linear.product(dropped.to(x.dtype())) : linear.withoutBias(y);
        return y.add(base.mul(ratio.add(-1.0))).add(delta.mul(ratio)).to(y.dtype());
    }

    /// `‖W + s·BA‖` of each row [out]; a constant to differentiation. Kept while nothing of it is trained.
    private Tensor norm(Linear linear) {
        boolean frozen = !a.trainable() && !b.trainable();
        if (!frozen) {
            weightsChanged();
        }
        Tensor kept = normOfFrozen;
        if (kept != null) {
            return kept;
        }
        Tensor norm = Scope.compute(() -> {
            try (Autograd.Mode off = Autograd.off()) {
                return rowNorms(sum(linear.weight().value().to(a.value().dtype())));
            }
        });
        if (frozen) {
            normOfFrozen = norm.detachFromScope();
        }
        return norm;
    }

    @Override
    public void weightsChanged() {
        Tensor kept = normOfFrozen;
        if (kept != null) {
            kept.close();
            normOfFrozen = null;
        }
    }

    static Tensor rowNorms(Tensor weight) {
        return weight.square().sum(1).sqrt();
    }

    private Tensor sum(Tensor weight) {
        return weight.add(b.value().matmul(a.value()).mul(scale));
    }

    @Override
    public Tensor mergedWeight(Tensor weight) {
        Tensor sum = sum(weight).to(DType.F32);
        return magnitude.isEmpty()
                ? sum
                : sum.mul(magnitude.get().value().div(rowNorms(sum)).unsqueeze(1));
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>(List.of(a, b));
        magnitude.ifPresent(all::add);
        return all;
    }
}
