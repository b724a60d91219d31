package dev.lingyu.data.sample;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Says whether a model's answer is right.
///
/// An answer is right when it states the key and no other value of the same attribute. A key with a unit
/// (`450升`, `10–15平方米`) is compared as a quantity: width, case, spaces, Chinese numerals, thousands
/// separators and equivalent units (升 and L, 千瓦 and 瓦, 年 and 个月) don't matter, and `8公斤` is not found in
/// `18公斤`. Any other key is compared as text; its rivals are the attribute's other values. A value right
/// after a negation (不是, 并非 …) is not a statement.
///
/// ```java
/// AnswerCheck.judge("8公斤", List.of(), "它一次能洗 8 kg。")   // RIGHT
/// AnswerCheck.judge("8公斤", List.of(), "它一次能洗18公斤。")  // CONTRADICTED
/// ```
public final class AnswerCheck {

    /// The outcome of a check.
    public enum Verdict {
        /// States the key and nothing against it.
        RIGHT,
        /// Does not state a value of this attribute.
        MISSING,
        /// States another value, with or without the key.
        CONTRADICTED
    }

    private static final List<String> NOT = List.of("不是", "并非", "而非", "不等于");
    private static final List<String> NOT_TEXT = List.of("不是", "并非", "而非", "不", "没有", "无需", "不用", "不会", "不能");

    private AnswerCheck() {}

    /// Whether an answer to a test row is right.
    public static boolean right(TestRow row, String answer) {
        return judge(row.key(), row.rivals(), answer) == Verdict.RIGHT;
    }

    /// Judges an answer.
    ///
    /// @param key    the value that must be stated
    /// @param rivals contradicting values; only used for a key that is not a quantity
    /// @param answer the model's answer
    /// @throws IllegalArgumentException if the key is blank
    public static Verdict judge(String key, Collection<String> rivals, String answer) {
        if (key.isBlank()) {
            throw new IllegalArgumentException(
                    "The key of a test row is blank; give the value that a right answer must contain.");
        }
        String text = Quantity.normalise(answer);
        Optional<Quantity> quantity = Quantity.parse(key);
        return quantity.isPresent() ? judgeQuantity(quantity.get(), text) : judgeText(key, rivals, text);
    }

    private static Verdict judgeQuantity(Quantity key, String text) {
        boolean stated = false;
        for (Quantity.Found found : Quantity.in(text)) {
            Quantity value = found.quantity();
            boolean same =
                    value.sameAs(key) || value.dimension().equals(Quantity.CUBIC_METRES) && sameAirflow(key, value);
            boolean comparable = value.dimension().equals(key.dimension())
                    || value.dimension().equals(Quantity.CUBIC_METRES)
                            && key.dimension().startsWith(Quantity.CUBIC_METRES);
            if (!comparable || denied(text, found.start(), NOT)) {
                continue;
            }
            if (!same) {
                return Verdict.CONTRADICTED;
            }
            stated = true;
        }
        return stated ? Verdict.RIGHT : Verdict.MISSING;
    }

    /// Plain cubic metres are per minute or per hour, whichever the key is.
    private static boolean sameAirflow(Quantity key, Quantity plain) {
        return Stream.of("立方米/时", "立方米/分")
                .map(unit -> Quantity.parse(plain.low().toPlainString() + unit))
                .flatMap(Optional::stream)
                .anyMatch(key::sameAs);
    }

    private static Verdict judgeText(String key, Collection<String> rivals, String answer) {
        String text = compact(answer);
        String wanted = compact(Quantity.normalise(key));
        // Longest first: in 珍珠白色, 白色 is not stated.
        List<String> values = Stream.concat(
                        Stream.of(wanted), rivals.stream().map(rival -> compact(Quantity.normalise(rival))))
                .filter(value -> !value.isEmpty())
                .distinct()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .toList();
        boolean stated = false;
        int at = 0;
        while (at < text.length()) {
            int start = at;
            Optional<String> match = values.stream()
                    .filter(value -> text.startsWith(value, start) && wholeWord(text, start, value.length()))
                    .findFirst();
            if (match.isEmpty()) {
                at++;
                continue;
            }
            at += match.get().length();
            if (denied(text, start, NOT_TEXT)) {
                continue;
            }
            if (!match.get().equals(wanted)) {
                return Verdict.CONTRADICTED;
            }
            stated = true;
        }
        return stated ? Verdict.RIGHT : Verdict.MISSING;
    }

    /// Latin letters and digits at a value's ends must not run on: IPX4 is not in IPX45.
    private static boolean wholeWord(String text, int start, int length) {
        int end = start + length;
        boolean openLeft = start > 0 && latin(text.charAt(start)) && latin(text.charAt(start - 1));
        boolean openRight = end < text.length() && latin(text.charAt(end - 1)) && latin(text.charAt(end));
        return !openLeft && !openRight;
    }

    private static boolean latin(char c) {
        return c < 128 && Character.isLetterOrDigit(c);
    }

    private static String compact(String text) {
        return text.replace(" ", "");
    }

    /// Whether one of the negations stands right before a position.
    private static boolean denied(String text, int position, List<String> negations) {
        int end = position > 0 && text.charAt(position - 1) == ' ' ? position - 1 : position;
        return negations.stream().anyMatch(negation -> text.startsWith(negation, end - negation.length()));
    }
}
