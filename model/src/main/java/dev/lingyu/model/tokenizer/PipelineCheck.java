package dev.lingyu.model.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;

/// Finds the contradictions in a `tokenizer.json` that the native library does not look for when it
/// loads the file. It would meet them while encoding or decoding, and its panic ends the whole
/// process instead of raising an error.
final class PipelineCheck {

    private PipelineCheck() {}

    /// What is wrong with the way special tokens are put around texts.
    ///
    /// @param postProcessor the `post_processor` section
    static Optional<String> ofPostProcessor(JsonNode postProcessor) {
        for (JsonNode step : steps(postProcessor, "processors")) {
            if (!step.path("type").asText("").equals("TemplateProcessing")) {
                continue;
            }
            Optional<String> fault = ofTemplate(step, "single")
                    .or(() -> ofTemplate(step, "pair"))
                    .or(() -> ofSpecialTokens(step.path("special_tokens")));
            if (fault.isPresent()) {
                return fault;
            }
        }
        return Optional.empty();
    }

    /// What is wrong with the way tokens become text.
    ///
    /// @param decoder the `decoder` section
    static Optional<String> ofDecoder(JsonNode decoder) {
        for (JsonNode step : steps(decoder, "decoders")) {
            if (step.path("type").asText("").equals("Strip")
                    && step.path("stop").asLong() != 0) {
                return Optional.of(
                        "its decoder strips the ends of tokens (\"stop\" is not 0), which fails on a token of blanks");
            }
        }
        return Optional.empty();
    }

    /// What is wrong with merges that join subwords with a prefix: the library cuts the prefix off
    /// unseen.
    ///
    /// @param model the `model` section
    static Optional<String> ofMerges(JsonNode model) {
        String prefix = model.path("continuing_subword_prefix").asText("");
        for (JsonNode merge : model.path("merges")) {
            String right =
                    merge.isArray() ? merge.path(1).asText() : merge.asText().replaceFirst("^[^ ]* ", "");
            if (!right.startsWith(prefix)) {
                return Optional.of(
                        "its merge %s does not continue with the subword prefix \"%s\"".formatted(merge, prefix));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> ofTemplate(JsonNode step, String template) {
        for (JsonNode piece : step.path(template)) {
            JsonNode special = piece.path("SpecialToken");
            if (!special.isMissingNode()
                    && !step.path("special_tokens").has(special.path("id").asText())) {
                return Optional.of("its template \"%s\" uses %s, which its \"special_tokens\" do not have"
                        .formatted(template, special.path("id")));
            }
            if (template.equals("single")
                    && piece.path("Sequence").path("id").asText("").equals("B")) {
                return Optional.of("its template for one text asks for a second text");
            }
        }
        return Optional.empty();
    }

    private static Optional<String> ofSpecialTokens(JsonNode specialTokens) {
        for (JsonNode token : specialTokens) {
            if (token.path("ids").size() != token.path("tokens").size()) {
                return Optional.of(
                        "its special token %s has another number of ids than of tokens".formatted(token.path("id")));
            }
        }
        return Optional.empty();
    }

    private static Iterable<JsonNode> steps(JsonNode section, String list) {
        return section.path("type").asText("").equals("Sequence") ? section.path(list) : List.of(section);
    }
}
