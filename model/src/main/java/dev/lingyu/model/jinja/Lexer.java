package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;

/// Cuts a template into tokens as jinja2 does with `trim_blocks` and `lstrip_blocks`: the newline behind a
/// block tag and the blanks before one belong to the tag, `-` takes all white space on its side, `+` keeps
/// it.
final class Lexer {
    private static final String[] OPERATORS = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
        ".", ":", "|", ",", ";"
    };

    private final String name;
    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    /// Whether the piece read last ended its line: then blanks before the next tag are indentation.
    private boolean lineStarting = true;

    private Lexer(String name, String source) {
        this.name = name;
        this.source = source;
    }

    /// All tokens, the last one of kind END.
    static List<Token> tokens(String name, String source) {
        String text = source.replace("\r\n", "\n").replace('\r', '\n');
        if (text.endsWith("\n")) {
            text = text.substring(0, text.length() - 1);
        }
        return new Lexer(name, text).run();
    }

    private List<Token> run() {
        while (position < source.length()) {
            int tag = nextTag(position);
            if (tag < 0) {
                data(source.substring(position), false, false);
                position = source.length();
                break;
            }
            String text = source.substring(position, tag);
            boolean block = source.charAt(tag + 1) == '%';
            int raw = block ? rawBegin(tag) : -1;
            char sign = sign(tag + 2);
            data(text, sign == '-', sign != '+' && source.charAt(tag + 1) != '{');
            if (raw >= 0) {
                line += newlines(tag, raw);
                lineStarting = source.charAt(raw - 1) == '\n';
                position = raw;
                raw();
                continue;
            }
            position = tag + 2 + (sign == ' ' ? 0 : 1);
            switch (source.charAt(tag + 1)) {
                case '#' -> comment();
                case '%' -> tag(Kind.BLOCK_BEGIN, Kind.BLOCK_END);
                default -> tag(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END);
            }
        }
        tokens.add(new Token(Kind.END, "", line));
        return tokens;
    }

    private int nextTag(int from) {
        for (int i = from; (i = source.indexOf('{', i)) >= 0; i++) {
            if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    private char sign(int at) {
        return at < source.length() && (source.charAt(at) == '-' || source.charAt(at) == '+') ? source.charAt(at) : ' ';
    }

    /// Adds template text, first taking white space from its end where the tag behind it asks for that.
    private void data(String text, boolean stripAll, boolean stripIndentation) {
        int end = text.length();
        if (stripAll) {
            end = endWithoutSpace(text, 0);
        } else if (stripIndentation) {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarting) && endWithoutSpace(text, lineStart) == lineStart) {
                end = lineStart;
            }
        }
        if (end > 0) {
            tokens.add(new Token(Kind.DATA, text.substring(0, end), line));
        }
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) == '\n') {
                line++;
            }
        }
    }

    private static int endWithoutSpace(String text, int from) {
        int end = text.length();
        while (end > from && Strings.isSpace(text.charAt(end - 1))) {
            end--;
        }
        return end;
    }

    /// The end of `{% raw %}` if it stands at `tag`, else -1.
    private int rawBegin(int tag) {
        return keywordTag(tag, "raw", false);
    }

    private int keywordTag(int tag, String keyword, boolean trimNewline) {
        int at = tag + 2;
        if (sign(at) != ' ') {
            at++;
        }
        at = skipSpace(at);
        if (!source.startsWith(keyword, at)) {
            return -1;
        }
        at = skipSpace(at + keyword.length());
        return endOf(at, "%}", trimNewline);
    }

    /// The position behind the closing mark `mark` (with its sign and the white space it takes), or -1.
    private int endOf(int at, String mark, boolean trimNewline) {
        if (source.startsWith("-" + mark, at)) {
            return skipSpace(at + 1 + mark.length());
        }
        if (trimNewline && source.startsWith("+" + mark, at)) {
            return at + 1 + mark.length();
        }
        if (!source.startsWith(mark, at)) {
            return -1;
        }
        int end = at + mark.length();
        return trimNewline && end < source.length() && source.charAt(end) == '\n' ? end + 1 : end;
    }

    private int skipSpace(int at) {
        while (at < source.length() && Strings.isSpace(source.charAt(at))) {
            at++;
        }
        return at;
    }

    private void raw() {
        for (int i = position; (i = source.indexOf("{%", i)) >= 0; i++) {
            int end = keywordTag(i, "endraw", true);
            if (end >= 0) {
                char sign = sign(i + 2);
                data(source.substring(position, i), sign == '-', sign != '+');
                moveTo(i, end);
                return;
            }
        }
        throw error("the end of the raw block, {% endraw %}, is missing");
    }

    private void comment() {
        for (int i = position; (i = source.indexOf("#}", i)) >= 0; i++) {
            char before = i > position ? source.charAt(i - 1) : ' ';
            int start = before == '-' || before == '+' ? i - 1 : i;
            int end = endOf(start, "#}", true);
            moveTo(position, end);
            return;
        }
        throw error("the end of the comment, #}, is missing");
    }

    private void moveTo(int from, int to) {
        line += newlines(from, to);
        position = to;
        lineStarting = source.charAt(to - 1) == '\n';
    }

    private int newlines(int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) {
            if (source.charAt(i) == '\n') {
                count++;
            }
        }
        return count;
    }

    private void tag(Kind begin, Kind end) {
        boolean block = begin == Kind.BLOCK_BEGIN;
        tokens.add(new Token(begin, "", line));
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            if (position >= source.length()) {
                throw error("the end of the tag, " + (block ? "%}" : "}}") + ", is missing");
            }
            int close = open.isEmpty() ? endOf(position, block ? "%}" : "}}", block) : -1;
            if (close >= 0) {
                tokens.add(new Token(end, "", line));
                moveTo(position, close);
                return;
            }
            char c = source.charAt(position);
            if (Strings.isSpace(c)) {
                moveTo(position, skipSpace(position));
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (Character.isUnicodeIdentifierStart(source.codePointAt(position)) || c == '_') {
                name();
            } else if (c == '\'' || c == '"') {
                string(c);
            } else {
                operator(open);
            }
        }
    }

    private void name() {
        int start = position;
        while (position < source.length()) {
            int c = source.codePointAt(position);
            if (!Character.isUnicodeIdentifierPart(c) || Character.isIdentifierIgnorable(c)) {
                break;
            }
            position += Character.charCount(c);
        }
        if (position == start) {
            throw error("unexpected character '" + Character.toString(source.codePointAt(start)) + "'");
        }
        tokens.add(new Token(Kind.NAME, source.substring(start, position), line));
    }

    private void operator(Deque<Character> open) {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, position)) {
                char c = operator.charAt(0);
                switch (c) {
                    case '{' -> open.push('}');
                    case '(' -> open.push(')');
                    case '[' -> open.push(']');
                    case '}', ')', ']' -> {
                        if (open.isEmpty()) {
                            throw error("unexpected '" + c + "'");
                        }
                        char expected = open.pop();
                        if (expected != c) {
                            throw error("unexpected '" + c + "', expected '" + expected + "'");
                        }
                    }
                    default -> {}
                }
                tokens.add(new Token(Kind.OPERATOR, operator, line));
                position += operator.length();
                return;
            }
        }
        throw error("unexpected character '" + Character.toString(source.codePointAt(position)) + "'");
    }

    private void number() {
        // Behind a dot stands an index (a.0.1), never a fraction.
        boolean index = position > 0 && source.charAt(position - 1) == '.';
        int start = position;
        int end = digits(start);
        int fraction = end;
        if (fraction < source.length() && source.charAt(fraction) == '.') {
            fraction = digits(end + 1);
            fraction = fraction == end + 1 ? end : fraction;
        }
        int exponent = fraction;
        if (exponent < source.length() && (source.charAt(exponent) | 0x20) == 'e') {
            int digits = exponent + 1 + (sign(exponent + 1) == ' ' ? 0 : 1);
            exponent = digits(digits) == digits ? fraction : digits(digits);
        }
        if (!index && exponent > end) {
            String text = source.substring(start, exponent).replace("_", "");
            tokens.add(new Token(Kind.NUMBER, Double.parseDouble(text), line));
            position = exponent;
            return;
        }
        integer(start, end);
    }

    private void integer(int start, int decimalEnd) {
        int radix = 10;
        int end = decimalEnd;
        int from = start;
        if (source.charAt(start) == '0' && start + 1 < source.length()) {
            int prefix = "box".indexOf(Character.toLowerCase(source.charAt(start + 1)));
            if (prefix >= 0) {
                int base = new int[] {2, 8, 16}[prefix];
                int i = start + 2;
                while (i < source.length()
                        && (Character.digit(source.charAt(i), base) >= 0 || source.charAt(i) == '_')) {
                    i++;
                }
                if (i > start + 2) {
                    radix = base;
                    from = start + 2;
                    end = i;
                }
            }
        }
        String digits = source.substring(from, end).replace("_", "");
        if (digits.length() > 4300) {
            throw error("a number of more than 4300 digits");
        }
        if (radix == 10 && digits.length() > 1 && digits.startsWith("0") && !digits.matches("0+")) {
            // jinja2 reads 007 as three tokens and then stops at the second one.
            throw error("unexpected '" + digits.substring(1) + "' behind a 0");
        }
        tokens.add(new Token(Kind.NUMBER, Operators.integer(new BigInteger(digits, radix)), line));
        position = end;
    }

    private int digits(int at) {
        int i = at;
        while (i < source.length()
                && (isDigit(source.charAt(i))
                        || (source.charAt(i) == '_'
                                && i > at
                                && i + 1 < source.length()
                                && isDigit(source.charAt(i + 1))))) {
            i++;
        }
        return i;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private void string(char quote) {
        int end = position + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw error("unexpected character '" + quote + "': the string that begins here has no end");
        }
        String text = source.substring(position + 1, end);
        tokens.add(new Token(Kind.STRING, text.indexOf('\\') < 0 ? text : unescape(text), line));
        moveTo(position, end + 1);
    }

    private String unescape(String text) {
        StringBuilder out = new StringBuilder(text.length());
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i++);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char next = text.charAt(i++);
            switch (next) {
                case '\n' -> {}
                case 'n' -> out.append('\n');
                case 't' -> out.append('\t');
                case 'r' -> out.append('\r');
                case 'a' -> out.append('\u0007');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'v' -> out.append('\u000b');
                case '\\', '\'', '"' -> out.append(next);
                case 'x' -> i = hex(text, i, 2, out);
                case 'u' -> i = hex(text, i, 4, out);
                case 'U' -> i = hex(text, i, 8, out);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                    int end = i;
                    while (end < text.length() && end < i + 2 && text.charAt(end) >= '0' && text.charAt(end) <= '7') {
                        end++;
                    }
                    out.append((char) Integer.parseInt(text.substring(i - 1, end), 8));
                    i = end;
                }
                case 'N' -> throw error("\\N{…} is not supported in strings; write the character itself");
                default -> out.append('\\').append(next);
            }
        }
        return out.toString();
    }

    private int hex(String text, int at, int digits, StringBuilder out) {
        int value = 0;
        for (int i = at; i < at + digits; i++) {
            int digit = i < text.length() ? Character.digit(text.charAt(i), 16) : -1;
            if (digit < 0 || value >= 0x1100000) {
                throw error(String.format(Locale.ROOT, "an escape in a string needs %d hexadecimal digits", digits));
            }
            value = value << 4 | digit;
        }
        if (!Character.isValidCodePoint(value)) {
            throw error("an escape in a string names no Unicode character");
        }
        out.appendCodePoint(value);
        return at + digits;
    }

    private TemplateException error(String reason) {
        return new TemplateException(TemplateException.Kind.SYNTAX, name, line, reason);
    }
}
