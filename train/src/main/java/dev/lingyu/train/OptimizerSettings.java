package dev.lingyu.train;

import java.util.Map;

/// Which optimiser, with which constants.
///
/// @param kind              `optim`
/// @param beta1             decay of the first moment
/// @param beta2             decay of the second moment
/// @param epsilon           ε
/// @param weightDecay       λ
/// @param decayMatricesOnly whether vectors (biases, norms) are exempt from decay
public record OptimizerSettings(
        Kind kind, double beta1, double beta2, double epsilon, double weightDecay, boolean decayMatricesOnly) {

    /// The update rules.
    public enum Kind {
        /// Adam with decoupled decay.
        ADAMW,
        /// Adam, whose decay is part of the gradient (L2).
        ADAM,
        /// Second moments by rows and columns only.
        ADAFACTOR;

        /// What `optim` may say: transformers' names for these rules.
        static final Map<String, Kind> NAMES = Map.of(
                "adamw_torch", ADAMW, "adamw_torch_fused", ADAMW, "adamw", ADAMW, "adam", ADAM, "adafactor", ADAFACTOR);
    }

    /// transformers' defaults: AdamW with 0.9, 0.999, 1e-8, no decay.
    public static OptimizerSettings defaults() {
        return new OptimizerSettings(Kind.ADAMW, 0.9, 0.999, 1e-8, 0.0, true);
    }
}
