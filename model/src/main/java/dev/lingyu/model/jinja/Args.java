package dev.lingyu.model.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Evaluated arguments of a call. Functions name their parameters once with [#bind] and then ask by name.
record Args(List<Object> positional, Map<String, Object> keywords) {
    static final Args NONE = new Args(List.of(), Map.of());

    static Args of(Object... values) {
        return new Args(List.of(values), Map.of());
    }

    /// Without the first positional argument.
    Args rest(int from) {
        return new Args(positional.subList(Math.min(from, positional.size()), positional.size()), keywords);
    }

    /// Assigns the arguments to the parameters of `function`, as Python does.
    Bound bind(String function, String... parameters) {
        if (positional.size() > parameters.length) {
            throw new Fault(
                    function + "() takes at most " + parameters.length + " arguments, found " + positional.size());
        }
        Map<String, Object> values = new HashMap<>();
        for (int i = 0; i < positional.size(); i++) {
            values.put(parameters[i], positional.get(i));
        }
        List<String> known = List.of(parameters);
        keywords.forEach((key, value) -> {
            if (!known.contains(key)) {
                throw new Fault(function + "() got an unexpected keyword argument '" + key + "'");
            }
            if (values.putIfAbsent(key, value) != null) {
                throw new Fault(function + "() got multiple values for argument '" + key + "'");
            }
        });
        return new Bound(function, values);
    }

    /// A function that takes no arguments.
    void none(String function) {
        bind(function);
    }

    /// Positional arguments as a new list.
    List<Object> list() {
        return new ArrayList<>(positional);
    }

    /// Arguments by parameter name.
    record Bound(String function, Map<String, Object> values) {
        Object required(String parameter) {
            Object value = values.get(parameter);
            if (value == null) {
                throw new Fault(function + "() missing the argument '" + parameter + "'");
            }
            return value;
        }

        Optional<Object> find(String parameter) {
            return Optional.ofNullable(values.get(parameter));
        }

        /// Absent, too, when the template passed none.
        Optional<Object> given(String parameter) {
            return find(parameter).filter(value -> value != None.NONE);
        }

        String string(String parameter) {
            return string(parameter, required(parameter));
        }

        Optional<String> givenString(String parameter) {
            return given(parameter).map(value -> string(parameter, value));
        }

        private String string(String parameter, Object value) {
            if (value instanceof String text) {
                return text;
            }
            if (value instanceof Undefined undefined) {
                throw undefined.fault();
            }
            throw new Fault(
                    function + "(): argument '" + parameter + "' must be a string, found " + Operators.typeName(value));
        }

        long integer(String parameter, long otherwise) {
            return find(parameter).map(value -> Operators.index(value)).orElse(otherwise);
        }

        boolean flag(String parameter) {
            return find(parameter).map(Operators::truth).orElse(false);
        }
    }
}
