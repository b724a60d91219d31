package dev.lingyu.model.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.text.Normalizer;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How a byte-level vocabulary cuts text before merging; no token ever crosses a cut.
public enum PreTokenizer {
    /// BLOOM: runs between white space, brackets and the sentence signs of Latin, Chinese, Hindi
    /// and Arabic, with one space in front. Chinese is cut at punctuation only, so whole phrases
    /// can become tokens.
    BLOOM(
            " ?[^(\\s|[.,!?…。，、।۔،])]+",
            // The published class, read by its library, is: no bracket, no bar, no white space, no sentence
            // sign.
            " ?[^()|\\p{IsWhite_Space}.,!?…。，、।۔،]+"),

    /// GPT-2: letters, digits, other signs and white space apart, English clitics cut off.
    GPT2(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{IsWhite_Space}\\p{L}\\p{N}]+"
                    + "|\\p{IsWhite_Space}+(?!\\P{IsWhite_Space})|\\p{IsWhite_Space}+"),

    /// Qwen2: as GPT-2, but every digit alone, line breaks kept together, and text normalised to
    /// NFC first.
    QWEN2(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                    + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "(?iu:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
                    + "| ?[^\\p{IsWhite_Space}\\p{L}\\p{N}]+[\\r\\n]*|\\p{IsWhite_Space}*[\\r\\n]+"
                    + "|\\p{IsWhite_Space}+(?!\\P{IsWhite_Space})|\\p{IsWhite_Space}+");

    private final String published;
    private final Pattern pattern;

    PreTokenizer(String published, String java) {
        this.published = published;
        this.pattern = Pattern.compile(java);
    }

    /// Cuts a text into pieces that joined together are the (normalised) text.
    void split(String text, Consumer<String> pieces) {
        String normalised = this == QWEN2 ? Normalizer.normalize(text, Normalizer.Form.NFC) : text;
        Matcher matcher = pattern.matcher(normalised);
        int from = 0;
        while (matcher.find()) {
            if (matcher.start() > from) {
                pieces.accept(normalised.substring(from, matcher.start()));
            }
            pieces.accept(matcher.group());
            from = matcher.end();
        }
        if (from < normalised.length()) {
            pieces.accept(normalised.substring(from));
        }
    }

    /// Writes the sections of `tokenizer.json` that cut and join, as the family's published files
    /// have them.
    void describe(ObjectNode root) {
        if (this == QWEN2) {
            root.putObject("normalizer").put("type", "NFC");
        } else {
            root.putNull("normalizer");
        }
        if (this == GPT2) {
            byteLevel(root.putObject("pre_tokenizer"), false, true, true);
            byteLevel(root.putObject("post_processor"), false, false, true);
            byteLevel(root.putObject("decoder"), false, true, true);
            return;
        }
        ObjectNode sequence = root.putObject("pre_tokenizer").put("type", "Sequence");
        ArrayNode steps = sequence.putArray("pretokenizers");
        ObjectNode split = steps.addObject().put("type", "Split");
        split.putObject("pattern").put("Regex", published);
        split.put("behavior", "Isolated").put("invert", false);
        boolean bloom = this == BLOOM;
        byteLevel(steps.addObject(), false, bloom, false);
        byteLevel(root.putObject("post_processor"), bloom, false, false);
        byteLevel(root.putObject("decoder"), bloom, bloom, false);
    }

    private static void byteLevel(ObjectNode node, boolean prefixSpace, boolean trimOffsets, boolean useRegex) {
        node.put("type", "ByteLevel")
                .put("add_prefix_space", prefixSpace)
                .put("trim_offsets", trimOffsets)
                .put("use_regex", useRegex);
    }
}
