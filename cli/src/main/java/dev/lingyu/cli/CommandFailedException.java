package dev.lingyu.cli;

/// A command could not finish although its input was right; the message is the whole sentence the user reads.
/// Exit code 1.
public final class CommandFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CommandFailedException(String sentence) {
        super(sentence);
    }

    public CommandFailedException(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
