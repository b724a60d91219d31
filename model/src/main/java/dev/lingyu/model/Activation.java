package dev.lingyu.model;

import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Tensor;

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

    Tensor apply(Tensor x) {
        return switch (this) {
            case SILU -> Functional.silu(x);
            case GELU_TANH -> Functional.geluTanh(x);
            case GELU -> Functional.gelu(x);
            case RELU -> Functional.relu(x);
        };
    }
}
