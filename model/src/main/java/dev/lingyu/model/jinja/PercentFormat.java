package dev.lingyu.model.jinja;

import java.util.List;
import java.util.Map;

/// `'%s has %d' % (name, count)` and the filter `format`.
final class PercentFormat {
    private final Budget budget;
    private final Printer printer;

    PercentFormat(Budget budget, Printer printer) {
        this.budget = budget;
        this.printer = printer;
    }

    String format(String format, Object values) {
        List<Object> items = values instanceof Tuple tuple ? tuple.items() : List.of(values);
        StringBuilder out = new StringBuilder();
        int used = 0;
        boolean named = false;
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            i++;
            Object value = None.NONE;
            boolean byName = i < format.length() && format.charAt(i) == '(';
            if (byName) {
                int end = format.indexOf(')', i);
                if (end < 0 || !(values instanceof Map<?, ?> map)) {
                    throw new Fault(end < 0 ? "incomplete format key" : "format requires a mapping");
                }
                String key = format.substring(i + 1, end);
                Object found = map.get(key);
                if (found == null) {
                    throw new Fault("the format names the key '" + key + "', which is not there");
                }
                value = found;
                named = true;
                i = end + 1;
            }
            int start = i;
            while (i < format.length() && "-+ #0123456789.".indexOf(format.charAt(i)) >= 0) {
                i++;
            }
            if (i >= format.length()) {
                throw new Fault("incomplete format");
            }
            if (format.charAt(i) == '%') {
                out.append('%');
                continue;
            }
            if (!byName) {
                if (used >= items.size()) {
                    throw new Fault("not enough arguments for format string");
                }
                value = items.get(used++);
            }
            out.append(one(format.substring(start, i), format.charAt(i), value));
            budget.string(out.length());
        }
        if (used < items.size() && !named && !(values instanceof Map<?, ?>) && !(values instanceof List<?>)) {
            throw new Fault("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    private String one(String flags, char type, Object value) {
        boolean left = flags.contains("-");
        String rest = flags.replace("-", "").replace(" ", "").replace("#", "");
        Object shown = switch (type) {
            case 's' -> printer.text(value);
            case 'r', 'a' -> printer.representation(value);
            case 'd', 'i', 'u' ->
                value instanceof Double real
                        ? (Object) Math.round(Math.floor(Math.abs(real)) * Math.signum(real))
                        : value;
            case 'c' -> value instanceof String text ? text : Character.toString((int) Operators.index(value));
            default -> value;
        };
        char kind = switch (type) {
            case 's', 'r', 'a', 'c' -> 's';
            case 'i', 'u' -> 'd';
            default -> type;
        };
        if (kind != 's' && !Operators.isNumber(shown)) {
            throw new Fault("%" + type + " format: a real number is required, not " + Operators.typeName(value));
        }
        String align = left ? "<" : ">";
        String specification = rest.startsWith("0") && !left && kind != 's' ? rest : align + rest;
        return NumberFormat.parse(specification + kind).format(shown, budget, printer);
    }
}
