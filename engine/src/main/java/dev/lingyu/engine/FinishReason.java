package dev.lingyu.engine;

/// Why a sequence ended, with OpenAI's words for it.
public enum FinishReason {
    /// An end token or a stop string.
    STOP("stop"),
    /// The limit of new tokens, or of the model's context.
    LENGTH("length"),
    /// The client went away.
    CANCELLED("cancelled");

    private final String word;

    FinishReason(String word) {
        this.word = word;
    }

    /// The value of `finish_reason`.
    public String word() {
        return word;
    }
}
