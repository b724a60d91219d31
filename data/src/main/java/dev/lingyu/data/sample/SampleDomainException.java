package dev.lingyu.data.sample;

/// The sample domain can't be read or written; the message says what, where and what to do.
public final class SampleDomainException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SampleDomainException(String message) {
        super(message);
    }

    SampleDomainException(String message, Throwable cause) {
        super(message, cause);
    }
}
