package dev.lingyu.model.tokenizer;

import java.io.Serial;

/// A tokenizer's files are missing, damaged or contradict each other; the message is one sentence
/// for the user.
public final class TokenizerException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    /// A failure without a technical cause worth keeping.
    ///
    /// @param message what, where, expected, found and what to do
    public TokenizerException(String message) {
        super(message);
    }

    /// A failure with its technical cause.
    ///
    /// @param message what, where, expected, found and what to do
    /// @param cause what the layer below said
    public TokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
