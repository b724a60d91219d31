package dev.lingyu.train;

import dev.lingyu.model.GradientSink;
import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.NativeMemory;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Collects gradients in f32 and turns them into updates of the weights.
///
/// What all optimisers share is here: flat memory by group, the global norm, clipping, state for checkpoints.
/// A subclass says how one group is updated.
public abstract sealed class Optimizer implements AutoCloseable, GradientSink permits AdamW, Adafactor {
    private final List<Group> groups = new ArrayList<>();
    private final Map<Parameter, Group> groupOf = new LinkedHashMap<>();
    private final KeptMemory memory = new KeptMemory();
    private final ProductSums products = new ProductSums(memory);
    private long steps;
    private double clip = 1;

    /// Weights that are updated alike.
    ///
    /// @param name        stable over restarts, the prefix of its state in checkpoints
    /// @param flat        the weights and their gradients
    /// @param weightDecay λ
    /// @param rateScale   what the learning rate is multiplied by: below 1 for lower layers with layer-wise
    ///                    decay
    record Group(String name, FlatParameters flat, double weightDecay, double rateScale) {}

    /// Takes over the trainable ones of these weights: they move into flat memory and become views of it.
    ///
    /// @throws TrainException when nothing is trainable
    Optimizer(Iterable<Parameter> parameters, OptimizerSettings settings, LayerRates rates) {
        Map<String, List<Parameter>> members = new LinkedHashMap<>();
        for (Parameter parameter : parameters) {
            if (parameter.trainable()) {
                members.computeIfAbsent(groupName(parameter, settings, rates), name -> new ArrayList<>())
                        .add(parameter);
            }
        }
        if (members.isEmpty()) {
            throw TrainException.input("Nothing is trainable: no weight matches the finetuning settings.");
        }
        members.forEach((name, list) -> {
            double decay = name.startsWith("decayed") ? settings.weightDecay() : 0;
            Group group = new Group(name, new FlatParameters(list), decay, rates.scale(list.getFirst()));
            groups.add(group);
            list.forEach(p -> groupOf.put(p, group));
        });
        // What held the weights before, and whatever they were made from.
        NativeMemory.releaseFreed();
    }

    private static String groupName(Parameter parameter, OptimizerSettings settings, LayerRates rates) {
        boolean decays = !settings.decayMatricesOnly() || parameter.value().rank() > 1;
        String dtype = parameter.value().dtype() == DType.F32
                ? ""
                : "." + parameter.value().dtype();
        return (decays ? "decayed" : "exempt") + rates.suffix(parameter) + dtype;
    }

    List<Group> groups() {
        return groups;
    }

    /// The weights that are updated.
    public List<Parameter> parameters() {
        return List.copyOf(groupOf.keySet());
    }

    /// Whether a weight is updated by this optimiser.
    @Override
    public boolean updates(Parameter parameter) {
        return groupOf.containsKey(parameter);
    }

    /// Adds to the gradient of a weight.
    ///
    /// @param gradient of the weight's shape, any floating type
    @Override
    public void accumulate(Parameter parameter, Tensor gradient) {
        groupOf(parameter).flat().accumulate(parameter, gradient);
    }

    @Override
    public void accumulateProduct(Parameter weight, Tensor outputGradients, Tensor inputs) {
        FlatParameters.Claim claim = claim(weight);
        products.add(claim.gradient(), claim.overwrites(), outputGradients, inputs);
    }

    /// The f32 gradient of a weight, of its shape; what is added there counts in the next step.
    public Tensor gradientOf(Parameter parameter) {
        return groupOf(parameter).flat().gradient(parameter);
    }

    /// The f32 gradient of a weight for a caller that adds to all of it, or overwrites it where nothing counts yet.
    FlatParameters.Claim claim(Parameter parameter) {
        return groupOf(parameter).flat().claim(parameter);
    }

    /// Memory that lives as long as the gradients.
    KeptMemory memory() {
        return memory;
    }

    private Group groupOf(Parameter parameter) {
        Group group = groupOf.get(parameter);
        if (group == null) {
            throw new IllegalArgumentException(parameter + " is not trained.");
        }
        return group;
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

    /// Makes the next step scale the gradients down to a norm, if they are larger (Pascanu et al. 2013).
    ///
    /// @param norm    the current norm
    /// @param maximum 0 for no limit
    public void clip(double norm, double maximum) {
        clip = maximum > 0 && norm > maximum ? maximum / (norm + 1e-6) : 1;
    }

    /// Multiplies all gradients in the next step, as a loss scale is taken out again.
    void scaleGradients(double factor) {
        clip *= factor;
    }

    /// One update, after which the gradients are zero.
    ///
    /// @param learningRate η
    public void step(double learningRate) {
        steps++;
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            for (Group group : groups) {
                update(group, learningRate * group.rateScale(), clip, steps);
            }
        }
        clearGradients();
    }

    /// Updates one group.
    ///
    /// @param clip what its gradients are to be multiplied by
    /// @param step the number of this update, from 1
    abstract void update(Group group, double learningRate, double clip, long step);

    /// Forgets the gradients.
    public void clearGradients() {
        clip = 1;
        groups.forEach(g -> g.flat().forgetGradients());
    }

    /// Updates made so far.
    public long steps() {
        return steps;
    }

    /// The weights as updates keep them, f32: of those that compute in 16 bits, the masters.
    public abstract Map<Parameter, Tensor> masters();

    /// What a checkpoint must hold to go on exactly, by name: tensors that change in place.
    public abstract Map<String, Tensor> state();

    /// Tells the subclass that [#state] was overwritten.
    abstract void restored();

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
        restored();
    }

    @Override
    public void close() {
        memory.close();
        groups.forEach(g -> g.flat().close());
    }
}
