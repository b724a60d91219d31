package dev.lingyu.cli;

/// The user asked a command for something it cannot do; the message is the whole sentence the user reads. Exit
/// code 2.
public final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CliException(String sentence) {
        super(sentence);
    }
}
