package dev.lingyu.train;

import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The trainable weights of a model side by side in one piece of memory, and their gradients in another, so
/// that clipping and updating are one sweep each.
///
/// Masters and gradients are f32 whatever the model computes in. An f32 model's weights *are* the masters; a
/// bf16 model has its own copies, refreshed by [#publish].
final class FlatParameters implements AutoCloseable {
    private final List<Parameter> parameters;
    private final Map<Parameter, Tensor> gradientOf = new HashMap<>();
    private final List<Tensor> views = new ArrayList<>();
    private final Tensor master;
    private final Tensor gradients;
    private final Tensor published;

    /// Moves weights into flat memory: the parameters then are views of it.
    ///
    /// @param parameters all of one dtype
    FlatParameters(List<Parameter> parameters) {
        this.parameters = List.copyOf(parameters);
        long count = parameters.stream().mapToLong(p -> p.value().count()).sum();
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Parameter first = parameters.getFirst();
            DType dtype = first.value().dtype();
            master = Tensor.zeros(DType.F32, first.value().device(), count).detachFromScope();
            gradients = Tensor.zeros(DType.F32, first.value().device(), count).detachFromScope();
            published = dtype == DType.F32
                    ? master
                    : Tensor.zeros(dtype, first.value().device(), count).detachFromScope();
            long at = 0;
            for (Parameter parameter : parameters) {
                long size = parameter.value().count();
                long[] shape = parameter.value().shape();
                master.narrow(0, at, size).view(shape).copyInPlace(parameter.value());
                Tensor place = published.narrow(0, at, size).view(shape);
                place.copyInPlace(parameter.value());
                parameter.replace(place);
                Tensor gradient = gradients.narrow(0, at, size).view(shape).detachFromScope();
                views.add(gradient);
                gradientOf.put(parameter, gradient);
                at += size;
            }
        }
    }

    List<Parameter> parameters() {
        return parameters;
    }

    /// All weights [n], f32.
    Tensor master() {
        return master;
    }

    /// All gradients [n], f32.
    Tensor gradients() {
        return gradients;
    }

    /// The f32 gradient of one weight, of its shape: a view that is added to.
    Tensor gradient(Parameter parameter) {
        Tensor gradient = gradientOf.get(parameter);
        if (gradient == null) {
            throw new IllegalArgumentException(parameter + " is not trained.");
        }
        return gradient;
    }

    /// Copies the masters to the weights that the model computes with.
    void publish() {
        if (published != master) {
            published.copyInPlace(master);
        }
    }

    @Override
    public void close() {
        views.forEach(Tensor::close);
        gradients.close();
        if (published != master) {
            published.close();
        }
        master.close();
    }
}
