package dev.lingyu.model.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The filters on single values; [SequenceFilters] has those on sequences.
final class Filters {
    private final Budget budget;
    private final Printer printer;
    private final Operators operators;
    private final Access access;
    private final SequenceFilters sequences;

    Filters(Budget budget, Printer printer, Operators operators, Access access, ValueTests tests) {
        this.budget = budget;
        this.printer = printer;
        this.operators = operators;
        this.access = access;
        this.sequences = new SequenceFilters(budget, printer, operators, access, this, tests);
    }

    Object apply(String name, Object value, Args args) {
        budget.step();
        return switch (name) {
            case "default", "d" -> {
                Args.Bound bound = args.bind(name, "default_value", "boolean");
                boolean missing = value instanceof Undefined || (bound.flag("boolean") && !Operators.truth(value));
                yield missing ? bound.find("default_value").orElse("") : value;
            }
            case "length", "count" -> {
                args.none(name);
                yield access.length(value);
            }
            case "string", "safe" -> {
                args.none(name);
                yield printer.text(value);
            }
            case "tojson" -> Json.filter(value, args, budget, operators, access);
            case "int" -> toInteger(value, args.bind(name, "default", "base"));
            case "float" ->
                toReal(value)
                        .<Object>map(real -> real)
                        .orElseGet(
                                () -> args.bind(name, "default").find("default").orElse(0.0));
            case "abs" -> absolute(value);
            case "round" -> round(value, args.bind(name, "precision", "method"));
            case "attr" -> {
                String attribute = args.bind(name, "name").string("name");
                yield access.attributeOnly(value, attribute);
            }
            case "format" -> {
                if (!args.keywords().isEmpty() && !args.positional().isEmpty()) {
                    throw new Fault("format takes either positional or keyword arguments");
                }
                Object values = args.keywords().isEmpty()
                        ? new Tuple(args.list())
                        : new java.util.LinkedHashMap<Object, Object>(args.keywords());
                yield new PercentFormat(budget, printer).format(printer.text(value), values);
            }
            default -> text(name, value, args).orElseGet(() -> sequences.apply(name, value, args));
        };
    }

    private Optional<Object> text(String name, Object value, Args args) {
        return switch (name) {
            case "trim" ->
                Optional.of(Strings.strip(shown(value), args.bind(name, "chars").givenString("chars"), true, true));
            case "upper" -> Optional.of(shown(value).toUpperCase(Locale.ROOT));
            case "lower" -> Optional.of(shown(value).toLowerCase(Locale.ROOT));
            case "capitalize" -> Optional.of(Strings.capitalize(shown(value)));
            case "title" -> Optional.of(Strings.titleWords(shown(value)));
            case "escape", "e", "forceescape" -> Optional.of(Strings.escape(budget, shown(value)));
            case "replace" -> {
                Args.Bound bound = args.bind(name, "old", "new", "count");
                yield Optional.of(Strings.replace(
                        budget,
                        shown(value),
                        printer.text(bound.required("old")),
                        printer.text(bound.required("new")),
                        bound.given("count").map(Operators::index).orElse(-1L)));
            }
            case "indent" -> Optional.of(indent(value, args.bind(name, "width", "first", "blank")));
            case "center" ->
                Optional.of(Strings.pad(
                        budget, shown(value), args.bind(name, "width").integer("width", 80), " ", true, true));
            case "truncate" ->
                Optional.of(truncate(shown(value), args.bind(name, "length", "killwords", "end", "leeway")));
            case "wordcount" -> Optional.of(wordCount(shown(value)));
            default -> Optional.empty();
        };
    }

    private String shown(Object value) {
        String text = printer.text(value);
        budget.pay(text.length());
        return text;
    }

    private static Object wordCount(String text) {
        long words = 0;
        boolean inWord = false;
        for (int i = 0; i < text.length(); i++) {
            boolean letter = Character.isLetterOrDigit(text.charAt(i)) || text.charAt(i) == '_';
            words += letter && !inWord ? 1 : 0;
            inWord = letter;
        }
        return words;
    }

    private String indent(Object value, Args.Bound bound) {
        if (!(value instanceof String text)) {
            throw value instanceof Undefined undefined
                    ? undefined.fault()
                    : new Fault("the filter 'indent' needs a string, found " + Operators.typeName(value));
        }
        Object width = bound.find("width").orElse(4L);
        String blanks = width instanceof String given
                ? given
                : Strings.pad(budget, "", Operators.index(width), " ", false, true);
        boolean first = bound.flag("first");
        boolean blank = bound.flag("blank");
        StringBuilder out = new StringBuilder(first ? blanks : "");
        List<Object> lines = Strings.lines(text + "\n", false);
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            budget.string((long) out.length() + line.length() + blanks.length());
            out.append(i == 0 ? "" : "\n");
            out.append(i > 0 && (blank || !line.isEmpty()) ? blanks : "");
            out.append(line);
        }
        return out.toString();
    }

    private String truncate(String text, Args.Bound bound) {
        long length = bound.integer("length", 255);
        String end = bound.givenString("end").orElse("...");
        long leeway = bound.given("leeway").map(Operators::index).orElse(5L);
        if (length < Strings.length(end) || leeway < 0) {
            throw new Fault("truncate: length must be at least that of the ending, and leeway not negative");
        }
        if (Strings.length(text) <= length + leeway) {
            return text;
        }
        String cut = text.substring(0, text.offsetByCodePoints(0, (int) (length - Strings.length(end))));
        return (bound.flag("killwords") || cut.lastIndexOf(' ') < 0 ? cut : cut.substring(0, cut.lastIndexOf(' ')))
                + end;
    }

    private static Object toInteger(Object value, Args.Bound bound) {
        long base = bound.integer("base", 10);
        try {
            return switch (value) {
                case String text -> Operators.integer(parse(text, base));
                case Double real
                when !Double.isNaN(real) && !Double.isInfinite(real) ->
                    Operators.integer(new BigDecimal(real).toBigInteger());
                case Double _ -> throw new NumberFormatException();
                case Undefined undefined -> throw undefined.fault();
                case Object number when Operators.isInteger(number) -> Operators.integer(Operators.big(number));
                default -> throw new NumberFormatException();
            };
        } catch (NumberFormatException e) {
            return toReal(value)
                    .filter(real -> !Double.isNaN(real) && !Double.isInfinite(real))
                    .<Object>map(real -> Operators.integer(new BigDecimal(real).toBigInteger()))
                    .orElseGet(() -> bound.find("default").orElse(0L));
        }
    }

    private static BigInteger parse(String text, long base) {
        String digits = Strings.strip(text, Optional.empty(), true, true)
                .replace("_", "")
                .toLowerCase(Locale.ROOT);
        boolean negative = digits.startsWith("-");
        if (negative || digits.startsWith("+")) {
            digits = digits.substring(1);
        }
        String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : " ";
        if (digits.startsWith(prefix)) {
            digits = digits.substring(2);
        }
        if (base < 2 || base > 36 || digits.startsWith("-") || digits.startsWith("+") || digits.length() > 4300) {
            throw new NumberFormatException();
        }
        BigInteger number = new BigInteger(digits, (int) base);
        return negative ? number.negate() : number;
    }

    private static Optional<Double> toReal(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (Operators.isNumber(value)) {
            return Optional.of(Operators.real(value));
        }
        if (!(value instanceof String text)) {
            return Optional.empty();
        }
        String number = Strings.strip(text, Optional.empty(), true, true)
                .replace("_", "")
                .toLowerCase(Locale.ROOT);
        return switch (number) {
            case "inf", "+inf", "infinity", "+infinity" -> Optional.of(Double.POSITIVE_INFINITY);
            case "-inf", "-infinity" -> Optional.of(Double.NEGATIVE_INFINITY);
            case "nan", "+nan", "-nan" -> Optional.of(Double.NaN);
            default ->
                number.length() < 5000 && number.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)(e[+-]?\\d+)?")
                        ? Optional.of(Double.parseDouble(number))
                        : Optional.empty();
        };
    }

    private Object absolute(Object value) {
        return switch (value) {
            case Double real -> Math.abs(real);
            case Undefined undefined -> throw undefined.fault();
            case Object number
            when Operators.isInteger(number) ->
                Operators.integer(Operators.big(number).abs());
            default -> throw new Fault("bad operand type for abs(): '" + Operators.typeName(value) + "'");
        };
    }

    private static Object round(Object value, Args.Bound bound) {
        String method = bound.givenString("method").orElse("common");
        int precision = (int) Math.clamp(bound.integer("precision", 0), -400L, 400L);
        if (!List.of("common", "ceil", "floor").contains(method)) {
            throw new Fault("method must be common, ceil or floor");
        }
        if (value instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (!Operators.isNumber(value)) {
            throw new Fault("the filter 'round' needs a number, found " + Operators.typeName(value));
        }
        if (method.equals("common")) {
            if (!(value instanceof Double real)) {
                BigDecimal exact = new BigDecimal(Operators.big(value));
                return Operators.integer(exact.setScale(Math.min(precision, 0), RoundingMode.HALF_EVEN)
                        .toBigInteger());
            }
            return Double.isNaN(real) || Double.isInfinite(real)
                    ? real
                    : new BigDecimal(real)
                            .setScale(precision, RoundingMode.HALF_EVEN)
                            .doubleValue();
        }
        double factor = Math.pow(10, precision);
        double scaled = Operators.real(value) * factor;
        return (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / factor;
    }

    /// `sort` of [SequenceFilters] and others compare strings without regard to case.
    static Object ignoreCase(Object value) {
        return value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
    }

    /// The names of all filters, for the test `filter`.
    static List<String> names() {
        List<String> names = new ArrayList<>(SequenceFilters.NAMES);
        names.addAll(List.of(
                "default",
                "d",
                "length",
                "count",
                "string",
                "safe",
                "tojson",
                "int",
                "float",
                "abs",
                "round",
                "attr",
                "format",
                "trim",
                "upper",
                "lower",
                "capitalize",
                "title",
                "escape",
                "e",
                "forceescape",
                "replace",
                "indent",
                "center",
                "truncate",
                "wordcount"));
        return names;
    }
}
