package dev.lingyu.cli.bench;

/// A benchmark that was asked for wrongly; the message is a sentence for the user.
public final class BenchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BenchException(String message) {
        super(message);
    }
}
