package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.engine.TokenChoice;
import dev.lingyu.engine.TokenLogprob;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.List;
import java.util.Set;

/// Log-probabilities in the shapes of OpenAI's two APIs. An end token has no text and is left out.
final class Logprobs {
    // JSON has no infinity; OpenAI writes this for "practically never".
    private static final float LEAST = -9999.0f;

    private final Tokenizer tokenizer;
    private final Set<Integer> ends;

    Logprobs(ServedModel model, SamplingParams params) {
        this.tokenizer = model.model().requireTokenizer();
        Set<Integer> all = new java.util.HashSet<>(params.stopTokenIds());
        if (!params.ignoreEos()) {
            all.addAll(model.model().endTokens());
        }
        this.ends = Set.copyOf(all);
    }

    /// The chat shape: `{"content":[{"token","logprob","bytes","top_logprobs":[…]}]}`.
    ObjectNode chat(List<TokenChoice> tokens) {
        ObjectNode node = Json.object();
        ArrayNode content = node.putArray("content");
        for (TokenChoice token : tokens) {
            if (ends.contains(token.id())) {
                continue;
            }
            ObjectNode entry = chatToken(token.id(), token.logprob());
            ArrayNode top = entry.putArray("top_logprobs");
            token.alternatives().forEach(other -> top.add(chatToken(other.id(), other.logprob())));
            content.add(entry);
        }
        node.putNull("refusal");
        return node;
    }

    private ObjectNode chatToken(int id, float logprob) {
        TokenText text = TokenText.of(tokenizer, id);
        ObjectNode node = Json.object();
        node.put("token", text.text()).put("logprob", finite(logprob));
        if (text.bytes().isPresent()) {
            ArrayNode bytes = node.putArray("bytes");
            for (byte value : text.bytes().get()) {
                bytes.add(value & 0xFF);
            }
        } else {
            node.putNull("bytes");
        }
        return node;
    }

    /// The completion shape: `{"tokens","token_logprobs","top_logprobs","text_offset"}`.
    ///
    /// @param textOffset where the first token begins in the choice's text [UTF-16 units]
    JsonNode completion(List<TokenChoice> tokens, int textOffset) {
        ObjectNode node = Json.object();
        ArrayNode texts = node.putArray("tokens");
        ArrayNode logprobs = node.putArray("token_logprobs");
        ArrayNode top = node.putArray("top_logprobs");
        ArrayNode offsets = node.putArray("text_offset");
        int at = textOffset;
        for (TokenChoice token : tokens) {
            if (ends.contains(token.id())) {
                continue;
            }
            String text = TokenText.of(tokenizer, token.id()).text();
            texts.add(text);
            logprobs.add(finite(token.logprob()));
            ObjectNode others = top.addObject();
            for (TokenLogprob other : token.alternatives()) {
                others.put(TokenText.of(tokenizer, other.id()).text(), finite(other.logprob()));
            }
            offsets.add(at);
            at += text.length();
        }
        return node;
    }

    private static float finite(float logprob) {
        return Float.isFinite(logprob) ? logprob : LEAST;
    }
}
