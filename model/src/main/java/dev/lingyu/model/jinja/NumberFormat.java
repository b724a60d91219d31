package dev.lingyu.model.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/// The parts of Python's format specifications that templates use: fill, alignment, sign, width, `,`,
/// precision, type.
record NumberFormat(
        String fill, char align, boolean plus, boolean zero, long width, boolean grouped, int precision, char type) {
    /// Reads `[[fill]align][+][0][width][,][.precision][type]`.
    static NumberFormat parse(String specification) {
        int[] c = specification.codePoints().toArray();
        int at = 0;
        String fill = " ";
        char align = ' ';
        if (c.length > 1 && "<>^=".indexOf(c[1]) >= 0) {
            fill = Character.toString(c[0]);
            align = (char) c[1];
            at = 2;
        } else if (c.length > 0 && "<>^=".indexOf(c[0]) >= 0) {
            align = (char) c[0];
            at = 1;
        }
        boolean plus = at < c.length && c[at] == '+';
        if (at < c.length && "+-".indexOf(c[at]) >= 0) {
            at++;
        }
        boolean zero = at < c.length && c[at] == '0';
        long width = 0;
        while (at < c.length && Character.isDigit(c[at])) {
            width = Math.min(width * 10 + Character.digit(c[at++], 10), 2L * Budget.CHARACTERS);
        }
        boolean grouped = at < c.length && c[at] == ',';
        if (grouped) {
            at++;
        }
        int precision = -1;
        if (at < c.length && c[at] == '.') {
            precision = 0;
            at++;
            while (at < c.length && Character.isDigit(c[at])) {
                precision = Math.min(precision * 10 + Character.digit(c[at++], 10), 1000);
            }
        }
        char type = at < c.length && c[at] < 128 ? (char) c[at++] : ' ';
        if (at < c.length || "sdfFeEgGxXob% ".indexOf(type) < 0) {
            throw new Fault("format specification '" + specification + "' is not supported");
        }
        return new NumberFormat(fill, align, plus, zero, width, grouped, precision, type);
    }

    String format(Object value, Budget budget, Printer printer) {
        boolean number = Operators.isNumber(value) && !(value instanceof Boolean && type == ' ') && type != 's';
        if (!number && type != ' ' && type != 's') {
            throw new Fault(
                    "format code '" + type + "' does not fit a value of type '" + Operators.typeName(value) + "'");
        }
        String text = number ? digits(value) : printer.text(value);
        if (!number && precision >= 0 && Strings.length(text) > precision) {
            text = text.substring(0, text.offsetByCodePoints(0, precision));
        }
        boolean signed = number && (text.startsWith("-") || text.startsWith("+"));
        if ((zero && number && align == ' ') || align == '=') {
            String sign = signed ? text.substring(0, 1) : "";
            String rest = signed ? text.substring(1) : text;
            return sign + Strings.pad(budget, rest, width - sign.length(), zero ? "0" : fill, true, false);
        }
        char side = align != ' ' ? align : number ? '>' : '<';
        if (side == '^') {
            long missing = width - Strings.length(text);
            String left = Strings.pad(budget, text, width - (missing + 1) / 2, fill, true, false);
            return Strings.pad(budget, left, width, fill, false, true);
        }
        return Strings.pad(budget, text, width, fill, side == '>', side == '<');
    }

    private String digits(Object value) {
        String text = switch (type) {
            case 'd' -> integer(value).toString();
            case 'x' -> integer(value).toString(16);
            case 'X' -> integer(value).toString(16).toUpperCase(java.util.Locale.ROOT);
            case 'o' -> integer(value).toString(8);
            case 'b' -> integer(value).toString(2);
            case 'f', 'F' -> fixed(Operators.real(value), 1, "");
            case '%' -> fixed(Operators.real(value), 100, "%");
            case 'e', 'E' -> exponent(Operators.real(value), precision < 0 ? 6 : precision);
            case 'g', 'G' -> general(Operators.real(value));
            default ->
                value instanceof Double real
                        ? precision >= 0 ? general(real) : Printer.real(real)
                        : Operators.big(value).toString();
        };
        if (grouped) {
            text = group(text);
        }
        return plus && !text.startsWith("-") ? "+" + text : text;
    }

    private static BigInteger integer(Object value) {
        if (value instanceof Double) {
            throw new Fault("an integer format was given a value of type 'float'");
        }
        return Operators.big(value);
    }

    private String fixed(double value, int factor, String unit) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Printer.real(value) + unit;
        }
        BigDecimal rounded =
                new BigDecimal(value * factor).setScale(precision < 0 ? 6 : precision, RoundingMode.HALF_EVEN);
        String sign = rounded.signum() == 0 && (1 / value < 0 || value < 0) ? "-" : "";
        return sign + rounded.toPlainString() + unit;
    }

    private static String exponent(double value, int digits) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Printer.real(value);
        }
        BigDecimal rounded = new BigDecimal(value).round(new MathContext(digits + 1, RoundingMode.HALF_EVEN));
        int power = value == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
        String mantissa = rounded.movePointLeft(power)
                .setScale(digits, RoundingMode.HALF_EVEN)
                .toPlainString();
        return mantissa + (power < 0 ? "e-" : "e+") + (Math.abs(power) < 10 ? "0" : "") + Math.abs(power);
    }

    private String general(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Printer.real(value);
        }
        int digits = precision < 0 ? 6 : Math.max(1, precision);
        BigDecimal rounded = new BigDecimal(value).round(new MathContext(digits, RoundingMode.HALF_EVEN));
        int power = value == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
        if (power >= -4 && power < digits) {
            return value == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
        }
        String text = exponent(value, digits - 1);
        int e = text.indexOf('e');
        String mantissa = text.substring(0, e);
        return (mantissa.indexOf('.') >= 0 ? mantissa.replaceFirst("\\.?0+$", "") : mantissa) + text.substring(e);
    }

    private static String group(String text) {
        int start = text.startsWith("-") ? 1 : 0;
        int end = start;
        while (end < text.length() && Character.isDigit(text.charAt(end))) {
            end++;
        }
        StringBuilder out = new StringBuilder(text);
        for (int i = end - 3; i > start; i -= 3) {
            out.insert(i, ',');
        }
        return out.toString();
    }
}
