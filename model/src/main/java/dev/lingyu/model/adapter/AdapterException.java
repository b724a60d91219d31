package dev.lingyu.model.adapter;

/// An adapter that can't be used as it is; the message is a sentence for the person who gave it.
public final class AdapterException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public AdapterException(String message) {
        super(message);
    }

    public AdapterException(String message, Throwable cause) {
        super(message, cause);
    }
}
