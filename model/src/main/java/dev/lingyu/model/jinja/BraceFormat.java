package dev.lingyu.model.jinja;

/// `'{} and {name:>5}'.format(…)`: fields by position or name, attributes and items behind them, `!s` and
/// `!r`, and the specifications of [NumberFormat].
final class BraceFormat {
    private final Budget budget;
    private final Printer printer;
    private final Access access;
    private int automatic;

    BraceFormat(Budget budget, Printer printer, Access access) {
        this.budget = budget;
        this.printer = printer;
        this.access = access;
    }

    String format(String format, Args args) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            boolean doubled = i + 1 < format.length() && format.charAt(i + 1) == c;
            if (c == '{' && !doubled) {
                int end = format.indexOf('}', i);
                if (end < 0) {
                    throw new Fault("Single '{' encountered in format string");
                }
                out.append(field(format.substring(i + 1, end), args));
                budget.string(out.length());
                i = end;
            } else if (c == '}' && !doubled) {
                throw new Fault("Single '}' encountered in format string");
            } else {
                out.append(c);
                i += c == '{' || c == '}' ? 1 : 0;
            }
        }
        return out.toString();
    }

    private String field(String field, Args args) {
        if (field.indexOf('{') >= 0) {
            throw new Fault("nested fields in a format string are not supported");
        }
        int colon = field.indexOf(':');
        String specification = colon < 0 ? "" : field.substring(colon + 1);
        String path = colon < 0 ? field : field.substring(0, colon);
        int mark = path.indexOf('!');
        String conversion = mark < 0 ? "" : path.substring(mark + 1);
        Object value = value(mark < 0 ? path : path.substring(0, mark), args);
        value = switch (conversion) {
            case "" -> value;
            case "s" -> printer.text(value);
            case "r" -> printer.representation(value);
            default -> throw new Fault("unknown conversion '!" + conversion + "' in a format string");
        };
        return specification.isEmpty()
                ? printer.text(value)
                : NumberFormat.parse(specification).format(value, budget, printer);
    }

    private Object value(String path, Args args) {
        int end = 0;
        while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
            end++;
        }
        Object value = first(path.substring(0, end), args);
        while (end < path.length()) {
            boolean item = path.charAt(end) == '[';
            int start = end + 1;
            end = start;
            while (end < path.length() && (item ? path.charAt(end) != ']' : ".[".indexOf(path.charAt(end)) < 0)) {
                end++;
            }
            String name = path.substring(start, end);
            value = item
                    ? access.item(value, isIndex(name) ? (Object) Long.parseLong(name) : name)
                    : access.attribute(value, name);
            end += item ? 1 : 0;
        }
        return value;
    }

    private static boolean isIndex(String name) {
        return !name.isEmpty() && name.length() < 10 && name.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private Object first(String name, Args args) {
        if (name.isEmpty() || isIndex(name)) {
            int index = name.isEmpty() ? automatic++ : Integer.parseInt(name);
            if (index >= args.positional().size()) {
                throw new Fault("Replacement index " + index + " out of range for positional args tuple");
            }
            return args.positional().get(index);
        }
        Object value = args.keywords().get(name);
        if (value == null) {
            throw new Fault("the format names the argument '" + name + "', which is not there");
        }
        return value;
    }
}
