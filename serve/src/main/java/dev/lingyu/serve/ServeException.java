package dev.lingyu.serve;

/// A server that can't be started as asked; the message is a sentence for the one who asked.
public final class ServeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// An error whose message is that sentence.
    public ServeException(String message) {
        super(message);
    }

    /// With what led to it.
    public ServeException(String message, Throwable cause) {
        super(message, cause);
    }
}
