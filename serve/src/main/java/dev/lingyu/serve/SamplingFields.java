package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.DecoderChoice;
import dev.lingyu.engine.DecodingMethod;
import dev.lingyu.engine.EarlyStopping;
import dev.lingyu.engine.SamplingException;
import dev.lingyu.engine.SamplingParams;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.UnaryOperator;

/// How a request asks for its tokens to be chosen: OpenAI's fields, those that vLLM added, Hugging Face's
/// settings of beam and contrastive search, and the handbook's `decoder` and `max_length`.
final class SamplingFields {
    private static final int MOST_ALTERNATIVES = 20;

    private SamplingFields() {}

    /// The settings.
    ///
    /// @param alternatives how many alternatives to report with each token; empty for no log-probabilities
    /// @param maxNewTokens from [#newTokens]
    /// @throws ApiException 400, naming the field
    static SamplingParams read(RequestFields fields, ServedModel model, OptionalInt alternatives, int maxNewTokens) {
        SamplingParams.Builder params = SamplingParams.builder().maxNewTokens(maxNewTokens);
        DecodingMethod decoder = decoder(fields);
        params.decoder(decoder);
        fields.number("temperature", value -> params.temperature(between("temperature", value, 0, 2)));
        fields.number("top_p", params::topP);
        if (decoder == DecodingMethod.CONTRASTIVE) {
            fields.whole("top_k").ifPresent(params::contrastiveTopK);
        } else {
            fields.whole("top_k").ifPresent(params::topK);
        }
        fields.number("min_p", params::minP);
        fields.number("typical_p", params::typicalP);
        fields.number("repetition_penalty", params::repetitionPenalty);
        fields.number("presence_penalty", params::presencePenalty);
        fields.number("frequency_penalty", params::frequencyPenalty);
        fields.whole("no_repeat_ngram_size").ifPresent(params::noRepeatNgram);
        fields.whole("min_tokens").ifPresent(params::minNewTokens);
        params.ignoreEos(fields.flag("ignore_eos"));
        params.stop(fields.texts("stop"));
        params.stopTokenIds(tokenIds(fields, "stop_token_ids", model));
        params.logitBias(logitBias(fields, model));
        fields.wholeLong("seed").ifPresent(params::seed);
        fields.whole("n").ifPresent(params::n);
        fields.whole("num_beams").ifPresent(params::beams);
        fields.number("length_penalty", params::lengthPenalty);
        earlyStopping(fields).ifPresent(params::earlyStopping);
        fields.number("penalty_alpha", params::penaltyAlpha);
        alternatives.ifPresent(params::logprobs);
        try {
            return params.build();
        } catch (SamplingException e) {
            String message = (Json.reason(e) + ".")
                    .replace("max_new_tokens", "max_tokens")
                    .replace("min_new_tokens", "min_tokens");
            throw ApiException.field(message.split(" ", 2)[0], message);
        }
    }

    /// How many tokens the answer may have.
    ///
    /// `max_completion_tokens` or `max_tokens` count new tokens, and more than the context holds is refused;
    /// `max_length` counts the prompt, too, and more than the context holds means all of it.
    ///
    /// @param promptField which field holds the prompt
    /// @param otherwise what holds when the request sets none; empty: what the context leaves
    static int newTokens(
            RequestFields fields, ServedModel model, int promptTokens, OptionalInt otherwise, String promptField) {
        int context = model.engine().contextLength();
        int room = context - promptTokens;
        if (room < 1) {
            throw tooLong(model, promptField, "the prompt has %d tokens: shorten it".formatted(promptTokens));
        }
        OptionalInt total = fields.whole("max_length");
        if (total.isPresent() && total.getAsInt() <= promptTokens) {
            throw ApiException.field(
                    "max_length",
                    "max_length is %d, prompt and answer together, but the prompt alone has %d tokens."
                            .formatted(total.getAsInt(), promptTokens));
        }
        int limit = total.isPresent() ? Math.min(room, total.getAsInt() - promptTokens) : room;
        for (String field : List.of("max_completion_tokens", "max_tokens")) {
            OptionalInt asked = fields.whole(field);
            if (asked.isEmpty()) {
                continue;
            }
            if (asked.getAsInt() < 1) {
                throw ApiException.field(
                        field, field + " is " + asked.getAsInt() + "; expected a whole number of at least 1.");
            }
            if (asked.getAsInt() > room) {
                throw tooLong(
                        model,
                        promptField,
                        "the prompt has %d tokens and %s asks for %d more: shorten one of them"
                                .formatted(promptTokens, field, asked.getAsInt()));
            }
            return Math.min(limit, asked.getAsInt());
        }
        return total.isEmpty() && otherwise.isPresent() ? Math.min(limit, otherwise.getAsInt()) : limit;
    }

    private static ApiException tooLong(ServedModel model, String promptField, String why) {
        return ApiException.field(
                promptField,
                "context_length_exceeded",
                "This model's maximum context length is %d tokens, but %s."
                        .formatted(model.engine().contextLength(), why));
    }

    /// A number of alternatives between 0 and 20.
    static int alternatives(String field, int count) {
        if (count < 0 || count > MOST_ALTERNATIVES) {
            throw ApiException.field(
                    field, field + " is " + count + "; expected a whole number from 0 to " + MOST_ALTERNATIVES + ".");
        }
        return count;
    }

    /// Settings of sampling beside another decoder are left alone: clients send their defaults with every
    /// request.
    private static DecodingMethod decoder(RequestFields fields) {
        Set<String> given = new LinkedHashSet<>(DecoderChoice.OWNED);
        given.removeIf(field -> fields.value(field).isEmpty());
        try {
            return DecoderChoice.of(fields.text("decoder"), given, DecodingMethod.SAMPLE, UnaryOperator.identity());
        } catch (SamplingException e) {
            String message = Json.reason(e) + ".";
            throw ApiException.field(message.split(" ", 2)[0], message);
        }
    }

    /// true, false or "never", as Hugging Face has it.
    private static Optional<EarlyStopping> earlyStopping(RequestFields fields) {
        return fields.value("early_stopping").map(node -> {
            if (!node.isBoolean() && !node.asText().equals("never")) {
                throw RequestFields.wrong("early_stopping", node, "true, false or \"never\"");
            }
            return EarlyStopping.parse(node.asText());
        });
    }

    private static double between(String field, double value, double low, double high) {
        if (!(value >= low && value <= high)) {
            throw ApiException.field(
                    field, "%s is %s; expected a number from %.0f to %.0f.".formatted(field, value, low, high));
        }
        return value;
    }

    private static Map<Integer, Double> logitBias(RequestFields fields, ServedModel model) {
        Map<Integer, Double> biases = new LinkedHashMap<>();
        fields.value("logit_bias").ifPresent(node -> {
            if (!(node instanceof ObjectNode object)) {
                throw RequestFields.wrong("logit_bias", node, "an object of token ids and numbers");
            }
            object.properties().forEach(entry -> {
                if (!entry.getKey().matches("\\d{1,9}") || !entry.getValue().isNumber()) {
                    throw ApiException.field(
                            "logit_bias",
                            "The field 'logit_bias' has the entry \"%s\": %s; expected a token id and a number."
                                    .formatted(entry.getKey(), entry.getValue()));
                }
                int id = Integer.parseInt(entry.getKey());
                model.checkToken("logit_bias", id);
                biases.put(id, entry.getValue().doubleValue());
            });
        });
        return biases;
    }

    private static List<Integer> tokenIds(RequestFields fields, String field, ServedModel model) {
        List<Integer> ids = new ArrayList<>();
        fields.value(field).ifPresent(node -> {
            for (JsonNode id : RequestFields.array(field, node, "a list of token ids")) {
                if (!id.isInt()) {
                    throw RequestFields.wrong(field, id, "a list of token ids");
                }
                model.checkToken(field, id.intValue());
                ids.add(id.intValue());
            }
        });
        return ids;
    }
}
