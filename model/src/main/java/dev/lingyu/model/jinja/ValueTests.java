package dev.lingyu.model.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tests behind `is`.
final class ValueTests {
    private static final Set<String> COMPARISONS = Set.of(
            "eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">", "ge", ">=");

    private final Operators operators;
    private final Access access;
    private final Printer printer;

    ValueTests(Operators operators, Access access, Printer printer) {
        this.operators = operators;
        this.access = access;
        this.printer = printer;
    }

    boolean holds(String name, Object value, Args args) {
        if (COMPARISONS.contains(name)) {
            return operators.holds(
                    operator(name), value, args.bind(name, "other").required("other"));
        }
        return switch (name) {
            case "divisibleby" ->
                zero(operators.arithmetic("%", value, args.bind(name, "num").required("num")));
            case "in" -> access.contains(args.bind(name, "seq").required("seq"), value);
            case "sameas" -> same(value, args.bind(name, "other").required("other"));
            case "filter" -> Filters.names().contains(printer.text(value));
            default -> {
                args.none(name);
                yield plain(name, value);
            }
        };
    }

    private boolean plain(String name, Object value) {
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == None.NONE;
            case "string" -> value instanceof String;
            case "number" -> Operators.isNumber(value);
            case "integer" -> Operators.isInteger(value) && !(value instanceof Boolean);
            case "float" -> value instanceof Double;
            case "boolean" -> value instanceof Boolean;
            case "true" -> value.equals(true);
            case "false" -> value.equals(false);
            case "mapping" -> value instanceof Map<?, ?>;
            case "sequence" ->
                value instanceof List<?>
                        || value instanceof Tuple
                        || value instanceof String
                        || value instanceof Map<?, ?>;
            case "iterable" ->
                value instanceof DictView
                        || value instanceof Generator
                        || value instanceof Undefined
                        || value instanceof Loop
                        || plain("sequence", value);
            case "callable" -> value instanceof Function || value instanceof Undefined || value instanceof Loop;
            case "odd" -> operators.equal(operators.arithmetic("%", value, 2L), 1L);
            case "even" -> zero(operators.arithmetic("%", value, 2L));
            case "upper" -> Strings.isUpper(printer.text(value));
            case "lower" -> Strings.isLower(printer.text(value));
            case "escaped" -> false;
            default -> throw new Fault("No test named '" + name + "'");
        };
    }

    private boolean zero(Object value) {
        return operators.equal(value, 0L);
    }

    private static boolean same(Object a, Object b) {
        return a == b || ((a instanceof Boolean || a instanceof Long || a instanceof String) && a.equals(b));
    }

    private static String operator(String name) {
        return switch (name) {
            case "eq", "equalto" -> "==";
            case "ne" -> "!=";
            case "lt", "lessthan" -> "<";
            case "le" -> "<=";
            case "gt", "greaterthan" -> ">";
            case "ge" -> ">=";
            default -> name;
        };
    }
}
