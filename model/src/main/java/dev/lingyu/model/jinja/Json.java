package dev.lingyu.model.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The filter `tojson` of transformers: Python's `json.dumps`, which escapes no HTML and by default no Unicode.
final class Json {
    private final Budget budget;
    private final boolean ascii;
    private final Optional<String> indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final Optional<Comparator<Object>> order;
    private final StringBuilder out = new StringBuilder();

    private Json(
            Budget budget,
            boolean ascii,
            Optional<String> indent,
            String itemSeparator,
            String keySeparator,
            Optional<Comparator<Object>> order) {
        this.budget = budget;
        this.ascii = ascii;
        this.indent = indent;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.order = order;
    }

    /// `tojson(ensure_ascii=false, indent=none, separators=none, sort_keys=false)`.
    static String filter(Object value, Args args, Budget budget, Operators operators, Access access) {
        Args.Bound bound = args.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
        Optional<String> indent = bound.given("indent").map(width -> {
            if (width instanceof String text) {
                return text;
            }
            long blanks = Math.max(0, Operators.index(width));
            budget.string(blanks);
            return " ".repeat((int) blanks);
        });
        List<Object> separators =
                bound.given("separators").map(access::iterate).orElse(List.of(indent.isPresent() ? "," : ", ", ": "));
        if (separators.size() != 2
                || !(separators.get(0) instanceof String item)
                || !(separators.get(1) instanceof String key)) {
            throw new Fault("tojson: separators must be two strings, for example (',', ':')");
        }
        Optional<Comparator<Object>> order =
                bound.flag("sort_keys") ? Optional.of((a, b) -> operators.compare("<", a, b)) : Optional.empty();
        Json json = new Json(budget, bound.flag("ensure_ascii"), indent, item, key, order);
        json.write(value, 0);
        return json.out.toString();
    }

    private void write(Object value, int depth) {
        Budget.valueDepth(depth);
        budget.step();
        switch (value) {
            case String text -> quote(text);
            case Range _ -> throw unserializable(value);
            case List<?> list -> array(list, depth);
            case Tuple tuple -> array(tuple.items(), depth);
            case Map<?, ?> map -> object(map, depth);
            default -> out.append(scalar(value));
        }
        if (out.length() > Budget.CHARACTERS) {
            budget.string(out.length());
        }
    }

    private static String scalar(Object value) {
        return switch (value) {
            case Boolean flag -> flag ? "true" : "false";
            case Long number -> number.toString();
            case BigInteger number -> number.toString();
            case Double number -> {
                if (Double.isNaN(number)) {
                    yield "NaN";
                }
                yield Double.isInfinite(number) ? (number > 0 ? "Infinity" : "-Infinity") : Printer.real(number);
            }
            case None _ -> "null";
            default -> throw unserializable(value);
        };
    }

    private static Fault unserializable(Object value) {
        String why = value instanceof Undefined undefined ? " (" + undefined.reason() + ")" : "";
        return new Fault("Object of type " + Operators.typeName(value) + " is not JSON serializable" + why);
    }

    private void array(List<?> list, int depth) {
        if (list.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
            out.append(i == 0 ? "" : itemSeparator);
            newline(depth + 1);
            write(list.get(i), depth + 1);
        }
        newline(depth);
        out.append(']');
    }

    private void object(Map<?, ?> map, int depth) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        order.ifPresent(byKey -> entries.sort((a, b) -> byKey.compare(a.getKey(), b.getKey())));
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : entries) {
            out.append(first ? "" : itemSeparator);
            first = false;
            newline(depth + 1);
            quote(key(entry.getKey()));
            out.append(keySeparator);
            write(entry.getValue(), depth + 1);
        }
        newline(depth);
        out.append('}');
    }

    private static String key(Object key) {
        if (key instanceof String text) {
            return text;
        }
        if (key instanceof Tuple) {
            throw new Fault("keys must be str, int, float, bool or None, not tuple");
        }
        return scalar(key);
    }

    private void newline(int depth) {
        indent.ifPresent(blanks -> {
            out.append('\n');
            budget.string((long) out.length() + (long) blanks.length() * depth);
            out.repeat(blanks, depth);
        });
    }

    private void quote(String text) {
        budget.string((long) out.length() + text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || (ascii && c > 0x7e)) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
