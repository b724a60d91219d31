package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.PanelMatrix;
import java.util.List;
import java.util.Optional;

/// `y = x · Wᵀ + b`. The place where kernels are chosen and adapters are attached; nothing above knows.
public final class Linear {
    private final String name;
    private final Slot weight;
    private final Optional<Slot> bias;
    private List<LinearAdapter> adapters = List.of();

    Linear(Parameter weight, Optional<Parameter> bias) {
        this(moduleOf(weight), new Slot(weight), bias.map(Slot::new));
    }

    /// @param name the module's, which for a tied head is not its weight's
    Linear(String name, Slot weight, Optional<Slot> bias) {
        this.name = name;
        this.weight = weight;
        this.bias = bias;
    }

    /// The module that a weight belongs to: its name without what the weight is called there.
    static String moduleOf(Parameter weight) {
        String name = weight.name();
        return name.substring(0, Math.max(0, name.lastIndexOf('.')));
    }

    /// W [out × in].
    public Parameter weight() {
        return weight.get();
    }

    /// b [out].
    public Optional<Parameter> bias() {
        return bias.map(Slot::get);
    }

    /// The module's name in Hugging Face files, such as `model.layers.0.self_attn.q_proj`.
    String name() {
        return name;
    }

    Slot weightSlot() {
        return weight;
    }

    Optional<Slot> biasSlot() {
        return bias;
    }

    /// Puts adapters in place, instead of those that were there.
    void adapt(List<LinearAdapter> inOrder) {
        adapters = List.copyOf(inOrder);
    }

    /// The adapters in place.
    List<LinearAdapter> adapters() {
        return adapters;
    }

    /// Applies the layer.
    ///
    /// @param x [rows × in]
    /// @return [rows × out]
    public Tensor apply(Tensor x) {
        if (adapters.isEmpty()) {
            return plain(x);
        }
        Tensor whole = GradientTape.cut(x);
        Tensor seen = whole;
        for (LinearAdapter adapter : adapters) {
            seen = adapter.input(seen);
        }
        Tensor y = plain(seen);
        for (LinearAdapter adapter : adapters) {
            y = adapter.output(this, whole, y);
        }
        return y;
    }

    /// Applies several layers to the same rows; without adapters and a recording, few rows go through all at once.
    ///
    /// @param x [rows × in]
    /// @return one [rows × out] for each
    static List<Tensor> apply(List<Linear> layers, Tensor x) {
        if (GradientTape.isRecording() || !layers.stream().allMatch(layer -> layer.byPanels(x))) {
            return layers.stream().map(layer -> layer.apply(x)).toList();
        }
        return PanelMatrix.multiply(
                x,
                layers.stream()
                        .map(layer -> layer.weight.get().packed().orElseThrow())
                        .toList(),
                layers.stream().map(layer -> layer.bias.map(Slot::value)).toList());
    }

    private boolean byPanels(Tensor x) {
        Optional<PanelMatrix> packed = weight.get().packed();
        return adapters.isEmpty()
                && packed.isPresent()
                && x.rank() == 2
                && packed.get().takes(x.size(0));
    }

    /// The layer without its adapters.
    Tensor plain(Tensor x) {
        GradientTape tape = GradientTape.current();
        return tape == null ? product(x, bias.map(Slot::value)) : tape.linear(x, weight.get(), bias.map(Slot::get));
    }

    /// `y − b`, for an output of [#plain].
    Tensor withoutBias(Tensor y) {
        return bias.isPresent() ? y.sub(bias.get().value()) : y;
    }

    /// `x · Wᵀ`: without adapters and bias.
    Tensor product(Tensor x) {
        return product(x, Optional.empty());
    }

    private Tensor product(Tensor x, Optional<Tensor> b) {
        return product(x, weight.get(), b);
    }

    /// The table rows → kernel: weights that only compute have panels for it, where there are kernels for their type;
    /// the rest is libtorch's.
    static Tensor product(Tensor x, Parameter weight, Optional<Tensor> b) {
        Optional<PanelMatrix> packed = weight.packed();
        return packed.isPresent() && x.rank() == 2 && packed.get().takes(x.size(0)) && !Autograd.isRecording()
                ? packed.get().multiply(x, b)
                : Functional.linear(x, weight.value(), b);
    }
}
