package dev.lingyu.model.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/// `namespace(…)`: the one thing a template can change, field by field.
final class Namespace {
    private final Map<String, Object> fields = new LinkedHashMap<>();

    Map<String, Object> fields() {
        return fields;
    }

    void put(String name, Object value) {
        if (name.startsWith("_")) {
            throw new Fault("a field of a namespace can't begin with an underscore, found '" + name + "'");
        }
        fields.put(name, value);
    }
}
