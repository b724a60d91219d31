package dev.lingyu.model.gguf;

import java.io.Serial;

/// A GGUF file holds no model that this program can run, or a model can't be written as one; the message is
/// complete for the user.
public final class GgufException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /// @param message what, where, expected, found and what to do
    public GgufException(String message) {
        super(message);
    }
}
