package dev.lingyu.model.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What stands behind a dot: the attributes and methods of each type. Methods that would change a list or a
/// dict are refused, as jinja2's immutable sandbox refuses them.
final class Methods {
    private static final Set<String> LIST_CHANGES =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> DICT_CHANGES = Set.of("clear", "pop", "popitem", "setdefault", "update");

    private final Budget budget;
    private final Operators operators;
    private final StringMethods strings;

    Methods(Budget budget, Operators operators, StringMethods strings) {
        this.budget = budget;
        this.operators = operators;
        this.strings = strings;
    }

    /// The attribute `name` of a value, else empty.
    Optional<Object> attribute(Object object, String name) {
        return switch (object) {
            case String text -> strings.method(text, name).map(f -> f);
            case Map<?, ?> map -> dict(map, name);
            case Range _ -> Optional.empty();
            case List<?> list -> list(list, name);
            case Tuple tuple -> sequence(tuple.items(), name, "tuple");
            case Namespace namespace -> Optional.ofNullable(namespace.fields().get(name));
            case Loop loop -> Optional.of(loop.attribute(name, operators));
            case Function function when name.equals("name") -> Optional.of(function.name());
            default -> Optional.empty();
        };
    }

    private static Undefined refused(String name, String type) {
        return new Undefined("access to attribute '" + name + "' of '" + type
                + "' object is unsafe: a template can't change its input");
    }

    @SuppressWarnings("unchecked") // values of templates are Map<Object, Object> from [Values] on
    private Optional<Object> dict(Map<?, ?> map, String name) {
        Map<Object, Object> dict = (Map<Object, Object>) map;
        if (DICT_CHANGES.contains(name)) {
            return Optional.of(refused(name, "dict"));
        }
        return switch (name) {
            case "items" -> view(name, DictView.Kind.ITEMS, dict);
            case "keys" -> view(name, DictView.Kind.KEYS, dict);
            case "values" -> view(name, DictView.Kind.VALUES, dict);
            case "get" ->
                Optional.of(new Function(name, args -> {
                    Args.Bound bound = args.bind(name, "key", "default");
                    return strings.access()
                            .find(dict, bound.required("key"))
                            .orElseGet(() -> bound.find("default").orElse(None.NONE));
                }));
            case "copy" ->
                Optional.of(new Function(name, args -> {
                    args.none(name);
                    budget.elements(dict.size());
                    return new java.util.LinkedHashMap<>(dict);
                }));
            default -> Optional.empty();
        };
    }

    private static Optional<Object> view(String name, DictView.Kind kind, Map<Object, Object> dict) {
        return Optional.of(new Function(name, args -> {
            args.none(name);
            return new DictView(kind, dict);
        }));
    }

    private Optional<Object> list(List<?> list, String name) {
        if (LIST_CHANGES.contains(name)) {
            return Optional.of(refused(name, "list"));
        }
        if (name.equals("copy")) {
            return Optional.of(new Function(name, args -> {
                args.none(name);
                budget.elements(list.size());
                return new java.util.ArrayList<Object>(list);
            }));
        }
        return sequence(list, name, "list");
    }

    private Optional<Object> sequence(List<?> list, String name, String type) {
        return switch (name) {
            case "count" ->
                Optional.of(new Function(name, args -> {
                    Object wanted = args.bind(name, "value").required("value");
                    return list.stream()
                            .filter(item -> operators.equal(item, wanted))
                            .count();
                }));
            case "index" ->
                Optional.of(new Function(name, args -> {
                    Object wanted = args.bind(name, "value").required("value");
                    for (int i = 0; i < list.size(); i++) {
                        if (operators.equal(list.get(i), wanted)) {
                            return (long) i;
                        }
                    }
                    throw new Fault("the value is not in the " + type);
                }));
            default -> Optional.empty();
        };
    }
}
