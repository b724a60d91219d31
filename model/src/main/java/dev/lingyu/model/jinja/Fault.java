package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.TemplateException.Kind;

/// A failure inside an operation, before the interpreter adds the template's name and line.
final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Kind kind;

    Fault(Kind kind, String reason) {
        // No stack trace: faults are the template's, not ours, and hostile templates may raise many.
        super(reason, null, false, false);
        this.kind = kind;
    }

    Fault(String reason) {
        this(Kind.RENDERING, reason);
    }

    Kind kind() {
        return kind;
    }

    String reason() {
        return String.valueOf(getMessage());
    }
}
