package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Laps;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.ActivationKernel;
import java.util.List;
import java.util.function.Function;

/// The non-linearity of a feed-forward layer, with its names in `config.json`.
public enum Activation {
    /// `x · σ(x)`, also called swish.
    SILU,
    /// GELU by its tanh approximation.
    GELU_TANH,
    /// GELU by the error function.
    GELU,
    /// `max(x, 0)`.
    RELU;

    /// Reads a `hidden_act` or `activation_function`.
    static Activation parse(String name) {
        return switch (name) {
            case "silu", "swish" -> SILU;
            case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> GELU_TANH;
            case "gelu" -> GELU;
            case "relu" -> RELU;
            default ->
                throw new ModelException("config.json asks for the activation \"" + name
                        + "\"; known are silu, gelu, gelu_new, gelu_pytorch_tanh and relu.");
        };
    }

    /// The name that [#parse] reads and transformers knows.
    String configName() {
        return switch (this) {
            case SILU -> "silu";
            case GELU_TANH -> "gelu_new";
            case GELU -> "gelu";
            case RELU -> "relu";
        };
    }

    /// @param x [rows × n]
    Tensor apply(Tensor x) {
        if (this == GELU_TANH && byKernel(x)) {
            return geluTanh(x);
        }
        return switch (this) {
            case SILU -> Functional.silu(x);
            case GELU_TANH -> Functional.geluTanh(x);
            case GELU -> Functional.gelu(x);
            case RELU -> Functional.relu(x);
        };
    }

    /// `activation(gate) · up`.
    ///
    /// @param gate [rows × n]
    /// @param up   [rows × n]
    Tensor gated(Tensor gate, Tensor up) {
        return this == SILU && byKernel(gate) && byKernel(up)
                ? gatedSilu(gate, up)
                : apply(gate).mul(up);
    }

    /// Plain autograd can't differentiate kernels, a tape can.
    private static boolean byKernel(Tensor x) {
        return ActivationKernel.takes(x) && (GradientTape.current() != null || !Autograd.isRecording());
    }

    private static Tensor geluTanh(Tensor x) {
        return recorded(
                List.of(x),
                in -> {
                    Tensor y = Tensor.empty(x.dtype(), x.device(), x.shape());
                    ActivationKernel.gelu(in.getFirst(), y);
                    return y;
                },
                gradient -> {
                    Tensor ofX = gradient.copy();
                    ActivationKernel.geluGradient(x, ofX);
                    return List.of(ofX);
                });
    }

    private static Tensor gatedSilu(Tensor gate, Tensor up) {
        return recorded(
                List.of(gate, up),
                in -> {
                    Tensor y = Tensor.empty(gate.dtype(), gate.device(), gate.shape());
                    ActivationKernel.gatedSilu(in.getFirst(), in.getLast(), y);
                    return y;
                },
                gradient -> {
                    Tensor ofGate = gradient.copy();
                    Tensor ofUp = Tensor.empty(gate.dtype(), gate.device(), gate.shape());
                    ActivationKernel.gatedSiluGradient(gate, up, ofGate, ofUp);
                    return List.of(ofGate, ofUp);
                });
    }

    private static Tensor recorded(
            List<Tensor> inputs, Function<List<Tensor>, Tensor> forward, GradientTape.Backward backward) {
        GradientTape tape = GradientTape.current();
        if (tape == null) {
            return forward.apply(inputs);
        }
        Laps.end("rest, forward");
        Tensor y = tape.operation(inputs, forward, gradient -> {
            Laps.end("rest, backward");
            List<Tensor> gradients = backward.apply(gradient);
            Laps.end("activation, backward");
            return gradients;
        });
        Laps.end("activation, forward");
        return y;
    }
}
