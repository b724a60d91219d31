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

/// LoRA on one layer: `y + B(s · A(dropout(x)))`, computed in the type of x whatever A and B are held in, so that
/// training, rollouts and serving of one model agree; with a magnitude, DoRA.
final class LoraLinear implements LinearAdapter {
    private final Parameter a;
    private final Parameter b;
    private final Optional<Parameter> magnitude;
    private final double scale;
    private final double dropout;
    private final DropoutMasks masks;
    private final int place;
    private @Nullable Frozen frozen;

    /// What follows from the weights and is kept while none of them is trained.
    ///
    /// @param from  the values that the rest was computed from
    /// @param a     A in the type of the activations
    /// @param b     B in that type
    /// @param ratio DoRA's `m / ‖W + s·BA‖`
    private record Frozen(List<Tensor> from, Tensor a, Tensor b, Optional<Tensor> ratio) {
        void close() {
            a.close();
            b.close();
            ratio.ifPresent(Tensor::close);
        }
    }

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
        Frozen w = weights(linear, x.dtype());
        Tensor dropped = masks.apply(x, dropout, place);
        Tensor low = Functional.linear(dropped, w.a(), Optional.empty()).mul(scale);
        Tensor delta = Functional.linear(low, w.b(), Optional.empty());
        if (w.ratio().isEmpty()) {
            return y.add(delta);
        }
        // y + (m/‖W'‖ − 1) · W x + m/‖W'‖ · s B A x, with W x of what dropout left.
        Tensor ratio = w.ratio().get();
        Tensor base = masks.drops(dropout) ? linear.product(dropped) : linear.withoutBias(y);
        return y.add(base.mul(ratio.add(-1.0))).add(delta.mul(ratio)).to(y.dtype());
    }

    private Frozen weights(Linear linear, DType type) {
        if (parameters().stream().anyMatch(Parameter::trainable)) {
            weightsChanged();
            return compute(linear, type);
        }
        Frozen kept = frozen;
        if (kept == null || kept.a().dtype() != type || !kept.from().equals(values())) {
            weightsChanged();
            try (Autograd.Mode off = Autograd.off()) {
                kept = compute(linear, type);
            }
            kept.a().detachFromScope();
            kept.b().detachFromScope();
            kept.ratio().ifPresent(Tensor::detachFromScope);
            frozen = kept;
        }
        return kept;
    }

    private Frozen compute(Linear linear, DType type) {
        return new Frozen(
                values(),
                a.value().to(type),
                b.value().to(type),
                magnitude.map(m -> m.value().div(norm(linear)).to(type)));
    }

    private List<Tensor> values() {
        return parameters().stream().map(Parameter::value).toList();
    }

    /// `‖W + s·BA‖` of each row [out], f32; a constant to differentiation.
    private Tensor norm(Linear linear) {
        return Scope.compute(() -> {
            try (Autograd.Mode off = Autograd.off()) {
                return rowNorms(sum(linear.weight().value().to(DType.F32)));
            }
        });
    }

    @Override
    public void weightsChanged() {
        Frozen kept = frozen;
        if (kept != null) {
            kept.close();
            frozen = null;
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
