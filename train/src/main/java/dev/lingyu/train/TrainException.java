package dev.lingyu.train;

/// A run that can't start or go on; the message is a sentence for the person who started it.
public final class TrainException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// Whose fault it is.
    public enum Kind {
        /// Config or data: exit code 2.
        INPUT,
        /// Something that happened on the way: exit code 1.
        FAILURE
    }

    private final Kind kind;

    public TrainException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public TrainException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /// Whose fault it is.
    public Kind kind() {
        return kind;
    }

    static TrainException input(String message) {
        return new TrainException(Kind.INPUT, message);
    }
}
