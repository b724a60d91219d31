package dev.lingyu.train;

import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.Boxed;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.AdamKernel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2):
///
/// ```
/// m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
/// θ ← θ − η λ θ − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
///
/// Decay λ applies to matrices only, unless told otherwise: biases and norms are exempt, as in transformers.
/// With [OptimizerSettings.Kind#ADAM] the decay is added to the gradient instead (Kingma & Ba 2015).
///
/// Masters, gradients and moments are f32 whatever the model computes in. The masters of bf16 weights on a CPU
/// are [split][AdamKernel]; elsewhere they are f32 tensors.
public final class AdamW extends Optimizer {
    private final OptimizerSettings settings;
    private final Map<Group, Moments> moments = new LinkedHashMap<>();

    /// What a group remembers. `master` is the f32 master, or what bf16 weights leave of it.
    private record Moments(Tensor master, boolean split, Tensor first, Tensor second) {}

    /// Takes over the trainable ones of these weights: they move into flat memory and become views of it.
    public AdamW(Iterable<Parameter> parameters, OptimizerSettings settings) {
        this(parameters, settings, LayerRates.EQUAL);
    }

    AdamW(Iterable<Parameter> parameters, OptimizerSettings settings, LayerRates rates) {
        super(parameters, settings, rates);
        this.settings = settings;
        groups().forEach(group -> moments.put(group, fresh(group)));
    }

    private Moments fresh(Group group) {
        Tensor weights = group.flat().weights();
        boolean split = weights.dtype() == DType.BF16
                && weights.device().equals(Device.CPU)
                && settings.kind() == OptimizerSettings.Kind.ADAMW;
        try (Scope scope = Scope.open()) {
            Tensor master = split
                    ? Tensor.zeros(DType.I16, weights.device(), weights.count())
                    : weights.dtype() == DType.F32 ? weights : weights.to(DType.F32);
            return new Moments(
                    master.detachFromScope(),
                    split,
                    Tensor.zeros(DType.F32, weights.device(), weights.count()).detachFromScope(),
                    Tensor.zeros(DType.F32, weights.device(), weights.count()).detachFromScope());
        }
    }

    @Override
    void update(Group group, double learningRate, double clip, long step) {
        Moments m = Objects.requireNonNull(moments.get(group));
        Tensor gradients = group.flat().gradients();
        if (m.split()) {
            AdamKernel.update(
                    group.flat().weights(),
                    m.master(),
                    gradients,
                    m.first(),
                    m.second(),
                    new AdamKernel.Update(
                            learningRate,
                            settings.beta1(),
                            settings.beta2(),
                            settings.epsilon(),
                            group.weightDecay(),
                            clip,
                            step));
            return;
        }
        if (clip != 1) {
            gradients.mulInPlace(clip);
        }
        Boxed.call(
                settings.kind() == OptimizerSettings.Kind.ADAM ? "aten::_fused_adam_" : "aten::_fused_adamw_",
                "",
                List.of(m.master()),
                List.of(gradients),
                List.of(m.first()),
                List.of(m.second()),
                List.of(),
                List.of(Tensor.full(DType.F32, gradients.device(), step)),
                learningRate,
                settings.beta1(),
                settings.beta2(),
                group.weightDecay(),
                settings.epsilon(),
                false,
                false,
                Optional.empty(),
                Optional.empty());
        publish(group);
    }

    /// Rounds f32 masters to the weights that the model computes with.
    private void publish(Group group) {
        Moments m = Objects.requireNonNull(moments.get(group));
        if (!m.split() && m.master() != group.flat().weights()) {
            group.flat().weights().copyInPlace(m.master());
        }
    }

    @Override
    public Map<Parameter, Tensor> masters() {
        Map<Parameter, Tensor> masters = new LinkedHashMap<>();
        moments.forEach((group, m) -> {
            Tensor flat = m.master();
            if (m.split()) {
                flat = Tensor.empty(DType.F32, m.master().device(), m.master().count());
                AdamKernel.join(group.flat().weights(), m.master(), flat);
            }
            masters.putAll(group.flat().places(flat));
        });
        return masters;
    }

    @Override
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        moments.forEach((group, m) -> {
            if (m.split()) {
                state.put(group.name() + ".weight", group.flat().weights());
            }
            state.put(group.name() + (m.split() ? ".rest" : ".master"), m.master());
            state.put(group.name() + ".exp_avg", m.first());
            state.put(group.name() + ".exp_avg_sq", m.second());
        });
        return state;
    }

    @Override
    void restored() {
        groups().forEach(this::publish);
    }

    @Override
    public void close() {
        moments.forEach((group, m) -> {
            if (m.master() != group.flat().weights()) {
                m.master().close();
            }
            m.first().close();
            m.second().close();
        });
        super.close();
    }
}
