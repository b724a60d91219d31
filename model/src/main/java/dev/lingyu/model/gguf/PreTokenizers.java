package dev.lingyu.model.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/// How BPE tokenizers cut a text before they merge: the rules behind the names in `tokenizer.ggml.pre`.
///
/// The rules are llama.cpp's (`llama-vocab.cpp`), in the spelling of the published `tokenizer.json` where that
/// is known.
final class PreTokenizers {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String GPT2 =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final List<Rule> ALL = load();

    private PreTokenizers() {}

    /// One way to cut.
    ///
    /// @param kinds      its names; the first is written
    /// @param splits     regular expressions, each cutting the pieces that the one before left
    /// @param nfc        whether the published tokenizers compose characters first (llama.cpp does not)
    /// @param wholeWords whether a piece that is a token is taken without merging
    /// @param bos        whether texts begin with the bos token unless the file says otherwise
    record Rule(List<String> kinds, List<String> splits, boolean nfc, boolean wholeWords, boolean bos) {
        /// The `pre_tokenizer` of a `tokenizer.json`.
        ObjectNode toJson() {
            ObjectNode sequence = JSON.createObjectNode().put("type", "Sequence");
            ArrayNode steps = sequence.putArray("pretokenizers");
            for (String split : splits) {
                ObjectNode step = steps.addObject().put("type", "Split");
                step.putObject("pattern").put("Regex", split);
                step.put("behavior", "Isolated").put("invert", false);
            }
            steps.add(byteLevel());
            return sequence;
        }
    }

    /// Bytes as letters, without cutting.
    static ObjectNode byteLevel() {
        return JSON.createObjectNode()
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", false)
                .put("use_regex", false);
    }

    /// The rule of a name.
    static Optional<Rule> named(String kind) {
        return ALL.stream().filter(rule -> rule.kinds().contains(kind)).findFirst();
    }

    /// All names, for messages.
    static String names() {
        return ALL.stream().flatMap(rule -> rule.kinds().stream()).collect(Collectors.joining(", "));
    }

    /// The rule that a `tokenizer.json` follows; empty where GGUF has no name for it.
    static Optional<Rule> of(JsonNode tokenizer) {
        Optional<List<String>> splits = splits(tokenizer.path("pre_tokenizer"));
        boolean wholeWords = tokenizer.path("model").path("ignore_merges").asBoolean();
        return splits.flatMap(found -> ALL.stream()
                .filter(rule -> rule.splits().equals(found) && rule.wholeWords() == wholeWords)
                .findFirst());
    }

    private static Optional<List<String>> splits(JsonNode preTokenizer) {
        List<String> splits = new ArrayList<>();
        boolean sequence = preTokenizer.path("type").asText().equals("Sequence");
        for (JsonNode step : sequence ? preTokenizer.path("pretokenizers") : List.of(preTokenizer)) {
            switch (step.path("type").asText()) {
                case "Split" -> {
                    JsonNode regex = step.path("pattern").path("Regex");
                    if (!regex.isTextual() || !step.path("behavior").asText().equals("Isolated")) {
                        return Optional.empty();
                    }
                    splits.add(regex.textValue());
                }
                case "Digits" -> splits.add(step.path("individual_digits").asBoolean() ? "\\p{N}" : "\\p{N}+");
                case "ByteLevel" -> {
                    if (step.path("add_prefix_space").asBoolean()) {
                        return Optional.empty();
                    }
                    if (step.path("use_regex").asBoolean(true)) {
                        splits.add(GPT2);
                    }
                }
                default -> {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(splits);
    }

    private static List<Rule> load() {
        List<Rule> rules = new ArrayList<>();
        try (InputStream in = Objects.requireNonNull(PreTokenizers.class.getResourceAsStream("pre-tokenizers.json"))) {
            for (JsonNode row : JSON.readTree(in)) {
                rules.add(new Rule(
                        texts(row.path("kinds")),
                        texts(row.path("splits")),
                        row.path("nfc").asBoolean(),
                        row.path("whole_words").asBoolean(),
                        row.path("bos").asBoolean()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return List.copyOf(rules);
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.asText()));
        return List.copyOf(texts);
    }
}
