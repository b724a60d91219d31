package dev.lingyu.model.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Python's view of strings: sequences of code points, with Python's idea of white space, words and lines.
final class Strings {
    private Strings() {}

    static boolean isSpace(int c) {
        return (c >= 0x09 && c <= 0x0d)
                || (c >= 0x1c && c <= 0x20)
                || c == 0x85
                || c == 0xa0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200a)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202f
                || c == 0x205f
                || c == 0x3000;
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    static List<Object> characters(Budget budget, String text) {
        budget.elements(text.length());
        List<Object> characters = new ArrayList<>();
        text.codePoints().forEach(c -> characters.add(Character.toString(c)));
        return characters;
    }

    /// The character at an index that counts from the end when negative.
    static Optional<String> at(String text, long index) {
        int length = length(text);
        long at = index < 0 ? index + length : index;
        return at >= 0 && at < length
                ? Optional.of(Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) at))))
                : Optional.empty();
    }

    /// Takes characters of `set` (white space when absent) from the ends named.
    static String strip(String text, Optional<String> set, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && matches(text.codePointAt(start), set)) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (right && end > start && matches(text.codePointBefore(end), set)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean matches(int c, Optional<String> set) {
        return set.map(s -> s.indexOf(c) >= 0).orElseGet(() -> isSpace(c));
    }

    /// Splits at white space, at most `max` times when `max` is not negative.
    static List<Object> words(String text, long max, boolean fromRight) {
        List<Object> words = new ArrayList<>();
        String rest = strip(text, Optional.empty(), !fromRight, fromRight);
        while (!rest.isEmpty()) {
            if (max >= 0 && words.size() == max) {
                words.add(rest);
                break;
            }
            int cut = fromRight ? wordStart(rest) : wordEnd(rest);
            words.add(fromRight ? rest.substring(cut) : rest.substring(0, cut));
            rest = fromRight ? rest.substring(0, cut) : rest.substring(cut);
            rest = strip(rest, Optional.empty(), !fromRight, fromRight);
        }
        return fromRight ? words.reversed() : words;
    }

    private static int wordEnd(String text) {
        int at = 0;
        while (at < text.length() && !isSpace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    private static int wordStart(String text) {
        int at = text.length();
        while (at > 0 && !isSpace(text.charAt(at - 1))) {
            at--;
        }
        return at;
    }

    /// Splits at a separator, at most `max` times when `max` is not negative.
    static List<Object> split(String text, String separator, long max, boolean fromRight) {
        if (separator.isEmpty()) {
            throw new Fault("empty separator");
        }
        List<Object> parts = new ArrayList<>();
        int start = 0;
        int end = text.length();
        while (max < 0 || parts.size() < max) {
            int at = fromRight ? text.lastIndexOf(separator, end - separator.length()) : text.indexOf(separator, start);
            if (at < 0 || (fromRight && end < separator.length())) {
                break;
            }
            parts.add(fromRight ? text.substring(at + separator.length(), end) : text.substring(start, at));
            if (fromRight) {
                end = at;
            } else {
                start = at + separator.length();
            }
        }
        parts.add(text.substring(start, end));
        return fromRight ? parts.reversed() : parts;
    }

    static List<Object> lines(String text, boolean keepEnds) {
        List<Object> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            if (isLineEnd(text.charAt(i))) {
                int end = i;
                if (text.charAt(i) == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n') {
                    i++;
                }
                lines.add(text.substring(start, keepEnds ? i + 1 : end));
                start = i + 1;
            }
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    private static boolean isLineEnd(char c) {
        return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
    }

    /// Replaces the first `count` occurrences, all when negative.
    static String replace(Budget budget, String text, String old, String replacement, long count) {
        StringBuilder out = new StringBuilder();
        int from = 0;
        int at = 0;
        for (long n = 0; count < 0 || n < count; n++) {
            at = text.indexOf(old, at);
            if (at < 0) {
                break;
            }
            out.append(text, from, at).append(replacement);
            budget.string((long) out.length());
            from = at + old.length();
            if (old.isEmpty()) {
                if (at >= text.length()) {
                    return out.toString();
                }
                at = text.offsetByCodePoints(at, 1);
            } else {
                at = from;
            }
        }
        budget.string((long) out.length() + text.length() - from);
        return out.append(text, from, text.length()).toString();
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int end = text.offsetByCodePoints(0, 1);
        return titleCase(text.substring(0, end)) + text.substring(end).toLowerCase(Locale.ROOT);
    }

    private static String titleCase(String character) {
        int c = character.codePointAt(0);
        int title = Character.toTitleCase(c);
        return title == c ? character.toUpperCase(Locale.ROOT) : Character.toString(title);
    }

    /// `str.title()`: every run of letters begins with a capital.
    static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            String character = Character.toString(c);
            out.append(inWord ? character.toLowerCase(Locale.ROOT) : titleCase(character));
            inWord = isCased(c);
            i += Character.charCount(c);
        }
        return out.toString();
    }

    /// The filter `title`: every word begins with a capital, where white space, `-` and opening brackets
    /// part words.
    static String titleWords(String text) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            String character = Character.toString(c);
            boolean separator = isSpace(c) || "-({[<".indexOf(c) >= 0;
            out.append(inWord ? character.toLowerCase(Locale.ROOT) : character.toUpperCase(Locale.ROOT));
            inWord = !separator;
            i += Character.charCount(c);
        }
        return out.toString();
    }

    static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Strings::isCased)
                && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Strings::isCased)
                && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    static boolean isTitle(String text) {
        return text.codePoints().anyMatch(Strings::isCased) && title(text).equals(text);
    }

    /// Pads to `width` characters; `left` and `right` say on which sides blanks may go.
    static String pad(Budget budget, String text, long width, String fill, boolean left, boolean right) {
        if (length(fill) != 1) {
            throw new Fault("The fill character must be exactly one character long");
        }
        long missing = width - length(text);
        if (missing <= 0) {
            return text;
        }
        budget.string((long) text.length() + missing * 2);
        long before = left && right ? missing / 2 + (missing & width & 1) : left ? missing : 0;
        return fill.repeat((int) before) + text + fill.repeat((int) (missing - before));
    }

    static String escape(Budget budget, String text) {
        budget.string((long) text.length() * 5);
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }
}
