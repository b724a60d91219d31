package dev.lingyu.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.GenerationResult;
import java.util.List;

/// How many tokens a request took. A prompt counts once however many answers it gets; the end token counts.
///
/// @param promptTokens     of all prompts
/// @param completionTokens of all choices
record Usage(int promptTokens, int completionTokens) {
    static Usage of(List<GenerationResult> results) {
        return new Usage(
                results.stream().mapToInt(GenerationResult::promptTokens).sum(),
                results.stream().mapToInt(GenerationResult::completionTokens).sum());
    }

    ObjectNode toJson() {
        ObjectNode node = Json.object();
        node.put("prompt_tokens", promptTokens).put("completion_tokens", completionTokens);
        return node.put("total_tokens", promptTokens + completionTokens);
    }
}
