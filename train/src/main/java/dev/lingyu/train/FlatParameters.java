package dev.lingyu.train;

import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.AdamKernel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Trainable weights side by side in one piece of memory, and their f32 gradients in another, so that norms,
/// clipping and updates are one sweep each.
///
/// Both are padded with zeros to a multiple of [AdamKernel#MULTIPLE]. A gradient that nothing was added to
/// since [#forgetGradients] holds old values that count as zero: clearing a gigabyte only to overwrite it
/// would cost a sweep.
final class FlatParameters implements AutoCloseable {
    private final Map<Parameter, Tensor> gradientOf = new LinkedHashMap<>();
    private final Set<Parameter> stale = new HashSet<>();
    private final Tensor weights;
    private final Tensor gradients;

    /// A gradient for somebody who writes all of it.
    ///
    /// @param gradient   f32, of the weight's shape
    /// @param overwrites whether what it holds counts for nothing, so that it is to be overwritten, not added to
    record Claim(Tensor gradient, boolean overwrites) {}

    /// Moves weights into flat memory: the parameters then are views of it.
    ///
    /// @param parameters all of one dtype
    FlatParameters(List<Parameter> parameters) {
        long used = parameters.stream().mapToLong(p -> p.count()).sum();
        long count = (used + AdamKernel.MULTIPLE - 1) / AdamKernel.MULTIPLE * AdamKernel.MULTIPLE;
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Parameter first = parameters.getFirst();
            gradients = Tensor.zeros(DType.F32, first.value().device(), count).detachFromScope();
            weights = Tensor.zeros(first.value().dtype(), first.value().device(), count)
                    .detachFromScope();
            long at = 0;
            for (Parameter parameter : parameters) {
                long size = parameter.count();
                long[] shape = parameter.value().shape();
                Tensor place = weights.narrow(0, at, size).view(shape);
                place.copyInPlace(parameter.value());
                parameter.replace(place);
                gradientOf.put(
                        parameter, gradients.narrow(0, at, size).view(shape).detachFromScope());
                at += size;
            }
        }
    }

    List<Parameter> parameters() {
        return new ArrayList<>(gradientOf.keySet());
    }

    /// Where each weight lies in a tensor that is laid out as [#weights]: views of its shape.
    Map<Parameter, Tensor> places(Tensor flat) {
        Map<Parameter, Tensor> places = new LinkedHashMap<>();
        long at = 0;
        for (Parameter parameter : gradientOf.keySet()) {
            places.put(parameter, flat.narrow(0, at, parameter.count()).view(parameter.shape()));
            at += parameter.count();
        }
        return places;
    }

    /// All weights [n], in the model's type.
    Tensor weights() {
        return weights;
    }

    /// All gradients [n], f32, those that nothing was added to cleared.
    Tensor gradients() {
        clearStale();
        return gradients;
    }

    /// The f32 gradient of one weight, of its shape: a view that is added to.
    Tensor gradient(Parameter parameter) {
        Tensor gradient = find(parameter);
        if (stale.remove(parameter)) {
            gradient.zeroInPlace();
        }
        return gradient;
    }

    /// The gradient of a weight as it is, and whether the caller must overwrite all of it.
    Claim claim(Parameter parameter) {
        return new Claim(find(parameter), stale.remove(parameter));
    }

    /// Adds to the gradient of a weight.
    void accumulate(Parameter parameter, Tensor more) {
        Tensor gradient = find(parameter);
        if (stale.remove(parameter)) {
            gradient.copyInPlace(more);
        } else {
            gradient.addInPlace(more);
        }
    }

    private Tensor find(Parameter parameter) {
        Tensor gradient = gradientOf.get(parameter);
        if (gradient == null) {
            throw new IllegalArgumentException(parameter + " is not trained.");
        }
        return gradient;
    }

    /// From here on all gradients are zero.
    void forgetGradients() {
        stale.addAll(gradientOf.keySet());
    }

    private void clearStale() {
        stale.forEach(p -> find(p).zeroInPlace());
        stale.clear();
    }

    @Override
    public void close() {
        gradientOf.values().forEach(Tensor::close);
        gradients.close();
        weights.close();
    }
}
