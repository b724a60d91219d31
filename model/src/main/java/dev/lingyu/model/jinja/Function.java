package dev.lingyu.model.jinja;

/// Something a template can call: a macro, a method of a value, or one of [Functions].
record Function(String name, Body body) {
    /// What the call does.
    @FunctionalInterface
    interface Body {
        Object call(Args args);
    }

    Object call(Args args) {
        return body.call(args);
    }
}
