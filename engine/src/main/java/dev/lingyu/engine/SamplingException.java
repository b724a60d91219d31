package dev.lingyu.engine;

/// A sampling setting, or a row of logits, with which no token can be chosen.
///
/// The message is one sentence for the person who asked: the setting, the value found, the value expected. It
/// goes unchanged into the body of an HTTP 400 answer and before exit code 2.
public final class SamplingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// An error whose message is that sentence.
    public SamplingException(String message) {
        super(message);
    }
}
