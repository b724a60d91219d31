package dev.lingyu.model.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Variables of a block, and behind them those of the blocks around it. Loops, macros and block sets open a
/// scope; what is set inside does not reach out.
final class Scope {
    private final Optional<Scope> outer;
    private final Map<String, Object> variables = new HashMap<>();

    Scope(Map<String, Object> variables) {
        this.outer = Optional.empty();
        this.variables.putAll(variables);
    }

    private Scope(Scope outer) {
        this.outer = Optional.of(outer);
    }

    Scope inner() {
        return new Scope(this);
    }

    Object get(String name) {
        Optional<Scope> scope = Optional.of(this);
        while (scope.isPresent()) {
            Object value = scope.get().variables.get(name);
            if (value != null) {
                return value;
            }
            scope = scope.get().outer;
        }
        return Undefined.variable(name);
    }

    void set(String name, Object value) {
        variables.put(name, value);
    }
}
