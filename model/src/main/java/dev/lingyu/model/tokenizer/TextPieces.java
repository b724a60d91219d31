package dev.lingyu.model.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/// Chooses how the tokens of one vocabulary become text piece by piece, from the `decoder` section
/// of its file.
///
/// Two kinds cover nearly all generating models and work on bytes directly: byte-level (GPT-2,
/// BLOOM, Qwen, LLaMA 3, DeepSeek) and SentencePiece with byte fallback (LLaMA 1 and 2, Mistral,
/// Gemma). Everything else goes through a sliding window of the library's own decoder.
final class TextPieces {

    private TextPieces() {}

    /// A factory of decoders for the file, each with its own state.
    ///
    /// @param file the parsed `tokenizer.json`
    /// @param whole decodes ids at once, for the window
    static Supplier<StreamDecoder> of(TokenizerFile file, boolean skipSpecialTokens, WindowStream.Whole whole) {
        StreamTokens tokens = new StreamTokens(file, skipSpecialTokens);
        List<JsonNode> steps = steps(file.decoder());
        if (steps.size() == 1 && type(steps.getFirst()).equals("ByteLevel")) {
            return () -> new ByteLevelStream(tokens);
        }
        List<ByteFallbackStream.Replacement> replacements = new ArrayList<>();
        int next = 0;
        while (next < steps.size() && type(steps.get(next)).equals("Replace")) {
            JsonNode pattern = steps.get(next).path("pattern").path("String");
            if (!pattern.isTextual()) {
                break;
            }
            replacements.add(new ByteFallbackStream.Replacement(
                    pattern.asText(), steps.get(next).path("content").asText()));
            next++;
        }
        boolean bytes = typeAt(steps, next).equals("ByteFallback")
                && typeAt(steps, next + 1).equals("Fuse");
        if (bytes && steps.size() == next + 2) {
            return () -> new ByteFallbackStream(tokens, replacements, "", 0);
        }
        if (bytes && steps.size() == next + 3 && typeAt(steps, next + 2).equals("Strip")) {
            JsonNode strip = steps.get(next + 2);
            if (strip.path("stop").asInt() == 0) {
                String content = strip.path("content").asText();
                int most = strip.path("start").asInt();
                return () -> new ByteFallbackStream(tokens, replacements, content, most);
            }
        }
        return () -> new WindowStream(tokens, whole);
    }

    private static List<JsonNode> steps(JsonNode decoder) {
        if (!type(decoder).equals("Sequence")) {
            return List.of(decoder);
        }
        List<JsonNode> steps = new ArrayList<>();
        decoder.path("decoders").forEach(steps::add);
        return steps;
    }

    private static String typeAt(List<JsonNode> steps, int index) {
        return index < steps.size() ? type(steps.get(index)) : "";
    }

    private static String type(JsonNode step) {
        return step.path("type").asText("");
    }
}
