package dev.lingyu.engine;

import java.util.Locale;

/// When a beam search that has as many finished sequences as beams gives up the running ones; the three
/// values of Hugging Face's `early_stopping`.
public enum EarlyStopping {
    /// `false`: when the best running beam, at its present length, can't beat the worst finished sequence.
    /// The default.
    HEURISTIC,
    /// `true`: at once.
    AT_ONCE,
    /// `never`: when no running beam could beat it at any length up to the limit.
    NEVER;

    /// Reads `false`, `true` or `never`.
    ///
    /// @throws SamplingException for anything else
    public static EarlyStopping parse(String value) {
        return switch (value.strip().toLowerCase(Locale.ROOT)) {
            case "false" -> HEURISTIC;
            case "true" -> AT_ONCE;
            case "never" -> NEVER;
            default ->
                throw new SamplingException("early_stopping is \"" + value + "\"; expected true, false or never.");
        };
    }
}
