package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.Laps;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A recording of a piece of a model in which the costly operations differentiate themselves, and libtorch's autograd
/// only what lies between them.
///
/// Autograd makes a fresh tensor of every weight's gradient, which then has to be added to the kept sum: for matrices
/// a sweep over memory that costs as much as it saves code. So while a tape records, a matrix product cuts autograd's
/// history: its input and output become leaves, it runs unrecorded, and the backward pass does
/// `dx += dy · W` and hands `dyᵀ · x` to a [GradientSink], which multiplies straight into its own memory. Attention
/// and activations come with gradients of their own in the same way ([#operation]).
///
/// Backward goes through these steps from last to first. The gradient of a leaf is complete when the step that made
/// it is reached, since everything that used it came later.
///
/// One thread at a time; the recording belongs to the thread, as [Autograd]'s mode does.
public final class GradientTape implements AutoCloseable {
    private static final ThreadLocal<@Nullable GradientTape> CURRENT = new ThreadLocal<>();

    private final Tensor input;
    private final List<Step> steps = new ArrayList<>();
    private final List<Tensor> leaves = new ArrayList<>();
    /// The leaf that stands for a tensor; a leaf stands for itself.
    private final Map<Tensor, Tensor> leafOf = new IdentityHashMap<>();

    private final List<Tensor> owned = new ArrayList<>();

    /// The gradients of an operation's inputs.
    @FunctionalInterface
    interface Backward {
        /// @param outputGradient of the operation's output; may be changed by nobody
        /// @return one gradient for each input, of its shape
        List<Tensor> apply(Tensor outputGradient);
    }

    private sealed interface Step {}

    /// Tensors with a history, and the leaves that go on without it.
    ///
    /// @param before how many leaves there were
    private record Cut(List<Tensor> originals, List<Tensor> cut, int before) implements Step {}

    private record Product(Tensor x, Parameter weight, Optional<Parameter> bias, Tensor y) implements Step {}

    private record Operation(List<Tensor> inputs, Backward backward, Tensor output) implements Step {}

    /// A gradient so far, and whether it is nobody else's, so that more can be added in place.
    private record Sum(Tensor gradient, boolean own) {}

    /// @param input where the recorded piece starts: a [leaf][Autograd#leaf]
    public GradientTape(Tensor input) {
        this.input = input;
        leaves.add(input);
        leafOf.put(input, input);
    }

    /// The tape that records on this thread, or null.
    static @Nullable GradientTape current() {
        return CURRENT.get();
    }

    /// Whether a tape or plain autograd records on this thread: else kernels without a gradient may compute, and in
    /// place.
    static boolean isRecording() {
        return current() != null || Autograd.isRecording();
    }

    /// The leaf that stands for a tensor on the tape that records, or the tensor itself where none does: for what
    /// several operations use, so that its history is gone through once.
    static Tensor cut(Tensor tensor) {
        GradientTape tape = current();
        return tape == null ? tensor : tape.leaf(tensor);
    }

    /// The same for several tensors whose histories have a common part.
    static List<Tensor> cut(List<Tensor> tensors) {
        GradientTape tape = current();
        return tape == null ? tensors : tape.leaves(tensors);
    }

    /// Records what a computation does.
    public Tensor record(Supplier<Tensor> computation) {
        GradientTape outer = CURRENT.get();
        CURRENT.set(this);
        try (Autograd.Mode on = Autograd.on()) {
            return computation.get();
        } finally {
            if (outer == null) {
                CURRENT.remove();
            } else {
                CURRENT.set(outer);
            }
        }
    }

    private Tensor leaf(Tensor tensor) {
        return leaves(List.of(tensor)).getFirst();
    }

    private List<Tensor> leaves(List<Tensor> tensors) {
        int before = leaves.size();
        List<Tensor> originals = new ArrayList<>();
        List<Tensor> cut = new ArrayList<>();
        List<Tensor> result = new ArrayList<>();
        for (Tensor tensor : tensors) {
            Tensor leaf = leafOf.get(tensor);
            if (leaf == null) {
                leaf = own(Autograd.leaf(tensor));
                leafOf.put(own(tensor), leaf);
                addLeaf(leaf);
                if (Autograd.requiresGradient(tensor)) {
                    originals.add(tensor);
                    cut.add(leaf);
                }
            }
            result.add(leaf);
        }
        if (!originals.isEmpty()) {
            steps.add(new Cut(originals, cut, before));
        }
        return result;
    }

    private Tensor own(Tensor tensor) {
        owned.add(tensor.detachFromScope());
        return tensor;
    }

    private void addLeaf(Tensor leaf) {
        leaves.add(leaf);
        leafOf.put(leaf, leaf);
    }

    /// `y = x · Wᵀ + b`.
    Tensor linear(Tensor x, Parameter weight, Optional<Parameter> bias) {
        Tensor in = leaf(x);
        Laps.end("rest, forward");
        Tensor y;
        try (Autograd.Mode off = Autograd.off()) {
            y = own(Linear.product(in, weight, bias.map(Parameter::value)));
        }
        Laps.end("products, forward");
        Autograd.requireGradient(y, true);
        addLeaf(y);
        steps.add(new Product(in, weight, bias, y));
        return y;
    }

    /// An operation that differentiates itself.
    ///
    /// @param forward  from the leaves of the inputs to an output of its own memory; not recorded
    /// @param backward from the gradient of the output to those of the inputs
    Tensor operation(List<Tensor> inputs, Function<List<Tensor>, Tensor> forward, Backward backward) {
        List<Tensor> in = leaves(inputs);
        Tensor output;
        try (Autograd.Mode off = Autograd.off()) {
            output = own(forward.apply(in));
        }
        Autograd.requireGradient(output, true);
        addLeaf(output);
        steps.add(new Operation(in, backward, output));
        return output;
    }

    /// A tensor that the backward pass needs: it lives as long as the tape.
    Tensor keep(Tensor tensor) {
        return own(tensor);
    }

    /// Goes back through the recording, once.
    ///
    /// @param output     what was recorded last
    /// @param gradient   of the output, of its shape
    /// @param parameters whose gradients the sink may want
    /// @return the gradient of the input
    public Tensor backward(Tensor output, Tensor gradient, Collection<Parameter> parameters, GradientSink sink) {
        List<Parameter> trained = parameters.stream().filter(sink::updates).toList();
        return Scope.compute(() -> {
            try (Autograd.Mode off = Autograd.off()) {
                Map<Tensor, Sum> sums = new IdentityHashMap<>();
                if (leafOf.containsKey(output)) {
                    sums.put(output, new Sum(gradient, false));
                } else {
                    push(List.of(output), List.of(gradient), leaves.size(), trained, sums, sink);
                }
                for (Step step : steps.reversed()) {
                    go(step, trained, sums, sink);
                }
                Sum sum = sums.get(input);
                return sum == null ? Tensor.zeros(input.dtype(), input.device(), input.shape()) : sum.gradient();
            }
        });
    }

    private void go(Step step, List<Parameter> trained, Map<Tensor, Sum> sums, GradientSink sink) {
        switch (step) {
            case Cut(List<Tensor> originals, List<Tensor> cut, int before) -> {
                List<Tensor> outputs = new ArrayList<>();
                List<Tensor> gradients = new ArrayList<>();
                for (int i = 0; i < cut.size(); i++) {
                    Sum sum = sums.remove(cut.get(i));
                    if (sum != null) {
                        outputs.add(originals.get(i));
                        gradients.add(sum.gradient());
                    }
                }
                push(outputs, gradients, before, trained, sums, sink);
            }
            case Product product -> {
                Sum sum = sums.remove(product.y());
                if (sum != null) {
                    back(product, sum.gradient(), sums, sink);
                }
            }
            case Operation operation -> {
                Sum sum = sums.remove(operation.output());
                if (sum != null) {
                    List<Tensor> gradients = operation.backward().apply(sum.gradient());
                    for (int i = 0; i < gradients.size(); i++) {
                        add(sums, operation.inputs().get(i), gradients.get(i), false);
                    }
                }
            }
        }
    }

    /// `dx += dy · W`, `dW += dyᵀ · x`, `db += Σ dy`.
    private static void back(Product product, Tensor dy, Map<Tensor, Sum> sums, GradientSink sink) {
        Laps.end("rest, backward");
        Tensor plain = dy.contiguous();
        Tensor weight = product.weight().value();
        Sum before = sums.get(product.x());
        if (before != null && before.own()) {
            before.gradient().addMatmulInPlace(plain, weight);
        } else {
            add(sums, product.x(), plain.matmul(weight), true);
        }
        Laps.end("products, input gradients");
        if (sink.updates(product.weight())) {
            sink.accumulateProduct(product.weight(), plain, product.x());
        }
        Laps.end("products, weight gradients");
        product.bias().filter(sink::updates).ifPresent(bias -> sink.accumulate(bias, plain.sum(0)));
    }

    /// Lets autograd go on from where a history was cut.
    private void push(
            List<Tensor> outputs,
            List<Tensor> gradients,
            int before,
            List<Parameter> trained,
            Map<Tensor, Sum> sums,
            GradientSink sink) {
        if (outputs.isEmpty()) {
            return;
        }
        List<Tensor> inputs = new ArrayList<>(leaves.subList(0, before));
        trained.forEach(parameter -> inputs.add(parameter.value()));
        List<Optional<Tensor>> found = Autograd.gradients(outputs, gradients, inputs);
        for (int i = 0; i < inputs.size(); i++) {
            int at = i;
            found.get(i).ifPresent(gradient -> {
                if (at < before) {
                    add(sums, inputs.get(at), gradient, false);
                } else {
                    sink.accumulate(trained.get(at - before), gradient);
                }
            });
        }
    }

    private static void add(Map<Tensor, Sum> sums, Tensor leaf, Tensor gradient, boolean own) {
        Sum before = sums.get(leaf);
        sums.put(
                leaf,
                before == null
                        ? new Sum(gradient, own)
                        : before.own()
                                ? new Sum(before.gradient().addInPlace(gradient), true)
                                : new Sum(before.gradient().add(gradient), true));
    }

    /// Frees what was recorded.
    @Override
    public void close() {
        owned.forEach(Tensor::close);
        owned.clear();
        steps.clear();
        leaves.clear();
        leafOf.clear();
    }
}
