package dev.lingyu.model.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Values as Python prints them: `str()` and `repr()`.
final class Printer {
    private final Budget budget;

    Printer(Budget budget) {
        this.budget = budget;
    }

    /// `str(value)`: what `{{ value }}` writes.
    String text(Object value) {
        return switch (value) {
            case String text -> text;
            case Undefined _ -> "";
            default -> representation(value);
        };
    }

    /// `repr(value)`.
    String representation(Object value) {
        StringBuilder out = new StringBuilder();
        represent(value, out, 0);
        return out.toString();
    }

    private void represent(Object value, StringBuilder out, int depth) {
        Budget.valueDepth(depth);
        budget.step();
        switch (value) {
            case String text -> quote(text, out);
            case Boolean flag -> out.append(flag ? "True" : "False");
            case Long number -> out.append(number.longValue());
            case BigInteger number -> out.append(number);
            case Double number -> out.append(real(number));
            case None _ -> out.append("None");
            case Undefined _ -> out.append("Undefined");
            case Range range -> out.append(range);
            case List<?> list -> elements("[", list.iterator(), "]", out, depth);
            case Tuple tuple ->
                elements("(", tuple.items().iterator(), tuple.items().size() == 1 ? ",)" : ")", out, depth);
            case Map<?, ?> map -> map(map, out, depth);
            case DictView view -> {
                out.append(view.kind().label());
                elements("([", Access.viewElements(view).iterator(), "])", out, depth);
            }
            case Namespace namespace -> {
                out.append("<Namespace ");
                map(namespace.fields(), out, depth);
                out.append('>');
            }
            case Generator _ -> out.append("<generator object>");
            case Function function ->
                out.append("<function ").append(function.name()).append('>');
            default -> out.append(value);
        }
        if (out.length() > Budget.CHARACTERS) {
            budget.string(out.length());
        }
    }

    private void elements(String open, Iterator<?> elements, String close, StringBuilder out, int depth) {
        out.append(open);
        while (elements.hasNext()) {
            Object element = elements.next();
            represent(element, out, depth + 1);
            if (elements.hasNext()) {
                out.append(", ");
            }
        }
        out.append(close);
    }

    private void map(Map<?, ?> map, StringBuilder out, int depth) {
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!first) {
                out.append(", ");
            }
            first = false;
            represent(entry.getKey(), out, depth + 1);
            out.append(": ");
            represent(entry.getValue(), out, depth + 1);
        }
        out.append('}');
    }

    private void quote(String text, StringBuilder out) {
        budget.string(text.length());
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (isPrintable(c)) {
                        out.appendCodePoint(c);
                    } else if (c < 0x100) {
                        out.append(String.format("\\x%02x", c));
                    } else {
                        out.append(String.format(c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
                    }
                }
            }
        }
        out.append(quote);
    }

    private static boolean isPrintable(int c) {
        if (c == ' ') {
            return true;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }

    /// The shortest decimal that reads back as the same number, in Python's notation.
    static String real(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        int exponent = decimal.precision() - decimal.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = decimal.toPlainString();
            return plain.indexOf('.') < 0 ? plain + ".0" : plain;
        }
        String digits = decimal.unscaledValue().abs().toString();
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        return (value < 0 ? "-" : "")
                + mantissa
                + (exponent < 0 ? "e-" : "e+")
                + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }
}
