package dev.lingyu.train;

import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.Boxed;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2):
///
/// ```
/// m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
/// θ ← θ − η λ θ − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
///
/// Decay λ applies to matrices only, unless told otherwise: biases and norms are exempt, as in transformers.
/// Weights, gradients and moments are f32; each group is one fused sweep over flat memory.
public final class AdamW implements AutoCloseable {
    private final Settings settings;
    private final List<Group> groups = new ArrayList<>();
    private final Map<Parameter, Group> groupOf = new LinkedHashMap<>();
    private long steps;

    /// The constants of the update.
    ///
    /// @param beta1         decay of the first moment
    /// @param beta2         decay of the second moment
    /// @param epsilon       ε
    /// @param weightDecay   λ
    /// @param decayMatricesOnly whether vectors (biases, norms) are exempt from decay
    public record Settings(double beta1, double beta2, double epsilon, double weightDecay, boolean decayMatricesOnly) {
        /// transformers' defaults: 0.9, 0.999, 1e-8, no decay.
        public static Settings defaults() {
            return new Settings(0.9, 0.999, 1e-8, 0.0, true);
        }
    }

    private record Group(
            String name, FlatParameters flat, Tensor firstMoment, Tensor secondMoment, double weightDecay) {}

    /// Takes over the trainable ones of these weights: they move into flat memory and become views of it.
    public AdamW(Iterable<Parameter> parameters, Settings settings) {
        this.settings = settings;
        List<Parameter> matrices = new ArrayList<>();
        List<Parameter> vectors = new ArrayList<>();
        for (Parameter parameter : parameters) {
            if (parameter.trainable()) {
                boolean decays =
                        !settings.decayMatricesOnly() || parameter.value().rank() > 1;
                (decays ? matrices : vectors).add(parameter);
            }
        }
        addGroup("decayed", matrices, settings.weightDecay());
        addGroup("exempt", vectors, 0);
        if (groups.isEmpty()) {
            throw TrainException.input("Nothing is trainable: no weight matches the finetuning settings.");
        }
    }

    private void addGroup(String name, List<Parameter> parameters, double weightDecay) {
        if (parameters.isEmpty()) {
            return;
        }
        FlatParameters flat = new FlatParameters(parameters);
        long count = flat.master().count();
        Group group = new Group(
                name,
                flat,
                Tensor.zeros(DType.F32, flat.master().device(), count).detachFromScope(),
                Tensor.zeros(DType.F32, flat.master().device(), count).detachFromScope(),
                weightDecay);
        groups.add(group);
        parameters.forEach(p -> groupOf.put(p, group));
    }

    /// The weights that are updated.
    public List<Parameter> parameters() {
        return List.copyOf(groupOf.keySet());
    }

    /// Adds to the gradient of a weight.
    ///
    /// @param gradient of the weight's shape, any floating type
    public void accumulate(Parameter parameter, Tensor gradient) {
        gradientOf(parameter).addInPlace(gradient);
    }

    /// The f32 gradient of a weight, of its shape; what is written there counts in the next step.
    public Tensor gradientOf(Parameter parameter) {
        Group group = groupOf.get(parameter);
        if (group == null) {
            throw new IllegalArgumentException(parameter + " is not trained.");
        }
        return group.flat().gradient(parameter);
    }

    /// Whether a weight is updated by this optimiser.
    public boolean updates(Parameter parameter) {
        return groupOf.containsKey(parameter);
    }

    /// The 2-norm of all gradients together.
    public double gradientNorm() {
        double squares = 0;
        for (Group group : groups) {
            try (Tensor norm = group.flat().gradients().norm()) {
                squares += norm.item() * norm.item();
            }
        }
        return Math.sqrt(squares);
    }

    /// Scales the gradients down to a norm, if they are larger (Pascanu et al. 2013).
    ///
    /// @param norm    the current norm
    /// @param maximum 0 for no limit
    public void clip(double norm, double maximum) {
        if (maximum > 0 && norm > maximum) {
            groups.forEach(g -> g.flat().gradients().mulInPlace(maximum / (norm + 1e-6)));
        }
    }

    /// One update, after which the gradients are zero.
    ///
    /// @param learningRate η
    public void step(double learningRate) {
        steps++;
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            for (Group group : groups) {
                Boxed.call(
                        "aten::_fused_adamw_",
                        "",
                        List.of(group.flat().master()),
                        List.of(group.flat().gradients()),
                        List.of(group.firstMoment()),
                        List.of(group.secondMoment()),
                        List.of(),
                        List.of(Tensor.full(DType.F32, group.flat().master().device(), steps)),
                        learningRate,
                        settings.beta1(),
                        settings.beta2(),
                        group.weightDecay(),
                        settings.epsilon(),
                        false,
                        false,
                        Optional.empty(),
                        Optional.empty());
                group.flat().publish();
            }
        }
        clearGradients();
    }

    /// Forgets the gradients.
    public void clearGradients() {
        groups.forEach(g -> g.flat().gradients().zeroInPlace());
    }

    /// Updates made so far.
    public long steps() {
        return steps;
    }

    /// What a checkpoint must hold to go on exactly: f32 masters and moments, flat, by group.
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        for (Group group : groups) {
            state.put(group.name() + ".master", group.flat().master());
            state.put(group.name() + ".exp_avg", group.firstMoment());
            state.put(group.name() + ".exp_avg_sq", group.secondMoment());
        }
        return state;
    }

    /// Goes back to a state that was saved.
    ///
    /// @param saved as [#state] named them
    /// @param steps updates made by then
    public void restore(Map<String, Tensor> saved, long steps) {
        this.steps = steps;
        state().forEach((name, tensor) -> {
            Tensor from = saved.get(name);
            if (from == null || from.count() != tensor.count()) {
                throw TrainException.input("The checkpoint's optimiser state does not fit: \"" + name + "\" "
                        + (from == null ? "is missing" : "has " + from.count() + " values instead of " + tensor.count())
                        + ". Was it written by a run with another model or other trainable weights?");
            }
            tensor.copyInPlace(from);
        });
        groups.forEach(g -> g.flat().publish());
    }

    @Override
    public void close() {
        for (Group group : groups) {
            group.firstMoment().close();
            group.secondMoment().close();
            group.flat().close();
        }
    }
}
