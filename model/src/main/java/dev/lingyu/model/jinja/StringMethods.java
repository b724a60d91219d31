package dev.lingyu.model.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntPredicate;

/// The methods of strings.
final class StringMethods {
    private final Budget budget;
    private final Printer printer;
    private final Access access;

    StringMethods(Budget budget, Operators operators, Printer printer) {
        this.budget = budget;
        this.printer = printer;
        this.access = new Access(budget, operators, new Methods(budget, operators, this));
    }

    /// Access to the values whose strings have these methods.
    Access access() {
        return access;
    }

    Optional<Function> method(String text, String name) {
        Optional<Function.Body> body = Optional.<Function.Body>empty()
                .or(() -> stripping(text, name))
                .or(() -> splitting(text, name))
                .or(() -> searching(text, name))
                .or(() -> changing(text, name))
                .or(() -> asking(text, name));
        return body.map(run -> new Function(name, args -> {
            budget.pay(text.length());
            return run.call(args);
        }));
    }

    private static Optional<Function.Body> stripping(String text, String name) {
        return switch (name) {
            case "strip", "lstrip", "rstrip" ->
                Optional.of(args -> Strings.strip(
                        text,
                        args.bind(name, "chars").givenString("chars"),
                        !name.startsWith("r"),
                        !name.startsWith("l")));
            case "removeprefix" ->
                Optional.of(args -> {
                    String prefix = args.bind(name, "prefix").string("prefix");
                    return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
                });
            case "removesuffix" ->
                Optional.of(args -> {
                    String suffix = args.bind(name, "suffix").string("suffix");
                    return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
                });
            default -> Optional.empty();
        };
    }

    private Optional<Function.Body> splitting(String text, String name) {
        return switch (name) {
            case "split", "rsplit" ->
                Optional.of(args -> {
                    Args.Bound bound = args.bind(name, "sep", "maxsplit");
                    long max = bound.integer("maxsplit", -1);
                    boolean right = name.equals("rsplit");
                    List<Object> parts = bound.givenString("sep")
                            .map(separator -> Strings.split(text, separator, max, right))
                            .orElseGet(() -> Strings.words(text, max, right));
                    budget.elements(parts.size());
                    return parts;
                });
            case "splitlines" ->
                Optional.of(args -> {
                    List<Object> lines =
                            Strings.lines(text, args.bind(name, "keepends").flag("keepends"));
                    budget.elements(lines.size());
                    return lines;
                });
            case "partition", "rpartition" ->
                Optional.of(args -> partition(text, args.bind(name, "sep").string("sep"), name.startsWith("r")));
            case "join" ->
                Optional.of(args -> {
                    StringBuilder out = new StringBuilder();
                    String glue = "";
                    for (Object item :
                            access.iterate(args.bind(name, "iterable").required("iterable"))) {
                        if (!(item instanceof String part)) {
                            throw new Fault("join(): expected strings, found " + Operators.typeName(item));
                        }
                        budget.string((long) out.length() + part.length() + text.length());
                        out.append(glue).append(part);
                        glue = text;
                    }
                    return out.toString();
                });
            default -> Optional.empty();
        };
    }

    private static Object partition(String text, String separator, boolean last) {
        if (separator.isEmpty()) {
            throw new Fault("empty separator");
        }
        int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
        if (at < 0) {
            return new Tuple(last ? List.of("", "", text) : List.of(text, "", ""));
        }
        return new Tuple(List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
    }

    private Optional<Function.Body> searching(String text, String name) {
        return switch (name) {
            case "startswith", "endswith" ->
                Optional.of(args -> affix(text, name, args.bind(name, "affix", "start", "end")));
            case "find", "rfind", "index", "rindex", "count" ->
                Optional.of(args -> {
                    Args.Bound bound = args.bind(name, "sub", "start", "end");
                    String part = window(text, bound);
                    String wanted = bound.string("sub");
                    if (name.equals("count")) {
                        return count(part, wanted);
                    }
                    int at = name.startsWith("r") ? part.lastIndexOf(wanted) : part.indexOf(wanted);
                    if (at < 0 && name.endsWith("index")) {
                        throw new Fault("substring not found");
                    }
                    int offset = Strings.length(text.substring(0, windowStart(text, bound)));
                    return at < 0 ? -1L : (long) offset + part.codePointCount(0, at);
                });
            default -> Optional.empty();
        };
    }

    private Object affix(String text, String name, Args.Bound bound) {
        String part = window(text, bound);
        Object wanted = bound.required("affix");
        List<Object> candidates = wanted instanceof Tuple tuple ? tuple.items() : List.of(wanted);
        for (Object candidate : candidates) {
            if (candidate instanceof Undefined undefined) {
                throw undefined.fault();
            }
            if (!(candidate instanceof String affix)) {
                throw new Fault(
                        name + " first arg must be str or a tuple of str, not " + Operators.typeName(candidate));
            }
            if (name.equals("startswith") ? part.startsWith(affix) : part.endsWith(affix)) {
                return true;
            }
        }
        return false;
    }

    private String window(String text, Args.Bound bound) {
        Object start = bound.find("start").orElse(None.NONE);
        Object end = bound.find("end").orElse(None.NONE);
        return start == None.NONE && end == None.NONE ? text : (String) access.slice(text, start, end, None.NONE);
    }

    private static int windowStart(String text, Args.Bound bound) {
        long start = bound.given("start").map(Operators::index).orElse(0L);
        int length = Strings.length(text);
        return text.offsetByCodePoints(0, (int) Math.clamp(start < 0 ? start + length : start, 0L, length));
    }

    private static long count(String text, String wanted) {
        if (wanted.isEmpty()) {
            return Strings.length(text) + 1L;
        }
        long count = 0;
        for (int at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length())) {
            count++;
        }
        return count;
    }

    private Optional<Function.Body> changing(String text, String name) {
        return switch (name) {
            case "upper" -> plain(name, text.toUpperCase(Locale.ROOT));
            case "lower", "casefold" -> plain(name, text.toLowerCase(Locale.ROOT));
            case "title" -> plain(name, Strings.title(text));
            case "capitalize" -> plain(name, Strings.capitalize(text));
            case "swapcase" -> plain(name, swapCase(text));
            case "replace" ->
                Optional.of(args -> {
                    Args.Bound bound = args.bind(name, "old", "new", "count");
                    return Strings.replace(
                            budget, text, bound.string("old"), bound.string("new"), bound.integer("count", -1));
                });
            case "format" -> Optional.of(args -> new BraceFormat(budget, printer, access).format(text, args));
            case "zfill" ->
                Optional.of(args -> {
                    boolean signed = text.startsWith("-") || text.startsWith("+");
                    long width = args.bind(name, "width").integer("width", 0) - (signed ? 1 : 0);
                    String digits = signed ? text.substring(1) : text;
                    return (signed ? text.substring(0, 1) : "") + Strings.pad(budget, digits, width, "0", true, false);
                });
            case "ljust", "rjust", "center" ->
                Optional.of(args -> {
                    Args.Bound bound = args.bind(name, "width", "fillchar");
                    String fill = bound.givenString("fillchar").orElse(" ");
                    return Strings.pad(
                            budget,
                            text,
                            bound.integer("width", 0),
                            fill,
                            !name.startsWith("l"),
                            !name.startsWith("r"));
                });
            case "expandtabs" -> plain(name, text.replace("\t", "        "));
            default -> Optional.empty();
        };
    }

    private static String swapCase(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> {
            String character = Character.toString(c);
            out.append(
                    Character.isUpperCase(c) ? character.toLowerCase(Locale.ROOT) : character.toUpperCase(Locale.ROOT));
        });
        return out.toString();
    }

    private static Optional<Function.Body> plain(String name, Object result) {
        return Optional.of(args -> {
            args.none(name);
            return result;
        });
    }

    private static Optional<Function.Body> asking(String text, String name) {
        return switch (name) {
            case "isdigit", "isdecimal", "isnumeric" -> all(name, text, Character::isDigit);
            case "isalpha" -> all(name, text, Character::isLetter);
            case "isalnum" -> all(name, text, Character::isLetterOrDigit);
            case "isspace" -> all(name, text, Strings::isSpace);
            case "isupper" -> plain(name, Strings.isUpper(text));
            case "islower" -> plain(name, Strings.isLower(text));
            case "istitle" -> plain(name, Strings.isTitle(text));
            case "isascii" -> plain(name, text.chars().allMatch(c -> c < 128));
            default -> Optional.empty();
        };
    }

    private static Optional<Function.Body> all(String name, String text, IntPredicate predicate) {
        return plain(name, !text.isEmpty() && text.codePoints().allMatch(predicate));
    }
}
