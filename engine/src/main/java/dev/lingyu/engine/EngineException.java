package dev.lingyu.engine;

/// A request that the engine can't take or could not finish; the message is a sentence for the one who asked.
public final class EngineException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// Whose fault it is.
    public enum Kind {
        /// The request itself: too long, for instance.
        BAD_REQUEST,
        /// Too many requests wait already: try again later.
        BUSY,
        /// The engine failed or was closed.
        FAILED
    }

    private final Kind kind;

    public EngineException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public EngineException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /// Whose fault it is.
    public Kind kind() {
        return kind;
    }
}
