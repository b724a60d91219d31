package dev.lingyu.model.jinja;

/// What a missing variable, key or attribute is: it prints as nothing, is false, has no elements, and fails
/// with `reason` when anything else is asked of it.
record Undefined(String reason) {
    static Undefined variable(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    Fault fault() {
        return new Fault(reason);
    }
}
