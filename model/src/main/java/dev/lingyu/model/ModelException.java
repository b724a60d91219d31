package dev.lingyu.model;

/// A model directory that can't be used as it is; the message is a sentence for the person who gave it.
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelException(String message) {
        super(message);
    }

    public ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
