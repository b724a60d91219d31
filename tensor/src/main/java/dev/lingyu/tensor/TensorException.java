package dev.lingyu.tensor;

/// A file, shape or device that can't be used; the message is a sentence for the person who caused it.
public final class TensorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TensorException(String message) {
        super(message);
    }

    public TensorException(String message, Throwable cause) {
        super(message, cause);
    }
}
