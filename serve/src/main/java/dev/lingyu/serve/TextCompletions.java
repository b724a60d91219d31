package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.GenerationResult;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.engine.TokenChoice;
import dev.lingyu.model.tokenizer.Tokenizer;
import io.helidon.webserver.http.ServerResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// `POST /v1/completions`: the older API that continues raw text or token ids.
final class TextCompletions {
    private static final int DEFAULT_MAX_TOKENS = 16;
    private static final String EXPECTED = "a string, a list of strings, a list of token ids or a list of such lists";

    private TextCompletions() {}

    /// Continues each prompt.
    ///
    /// @throws ApiException when the request is wrong
    static void answer(RequestFields fields, ServedModel model, ServerResponse response, Running.Ticket ticket) {
        refuseWhatIsMissingHere(fields);
        List<int[]> prompts = prompts(fields, model);
        OptionalInt asked = fields.whole("logprobs");
        OptionalInt alternatives =
                asked.isPresent() ? OptionalInt.of(SamplingFields.alternatives("logprobs", asked.getAsInt())) : asked;
        int longest = prompts.stream().mapToInt(p -> p.length).max().orElseThrow();
        int newTokens = SamplingFields.newTokens(fields, model, longest, OptionalInt.of(DEFAULT_MAX_TOKENS), "prompt");
        SamplingParams params = SamplingFields.read(fields, model, alternatives, newTokens);
        OptionalInt bestOf = fields.whole("best_of");
        if (bestOf.isPresent() && bestOf.getAsInt() != params.n()) {
            throw ApiException.field(
                    "best_of",
                    "best_of is %d; expected the same as n (%d): this server gives back every answer it makes."
                            .formatted(bestOf.getAsInt(), params.n()));
        }
        boolean stream = fields.flag("stream");
        Optional<Logprobs> logprobs =
                alternatives.isPresent() ? Optional.of(new Logprobs(model, params)) : Optional.empty();
        Answers.answer(
                new Answers.Job(
                        model,
                        prompts,
                        params,
                        stream,
                        Answers.includeUsage(fields, stream),
                        new TextShape(logprobs, echoes(fields, model, prompts, params.n(), alternatives))),
                response,
                ticket);
    }

    private static void refuseWhatIsMissingHere(RequestFields fields) {
        if (fields.text("suffix").filter(suffix -> !suffix.isEmpty()).isPresent()) {
            throw ApiException.field(
                    "suffix",
                    "unsupported_parameter",
                    "The field 'suffix' is not supported: these models only continue text.");
        }
    }

    /// The text that stands before each choice: the prompts where `echo` is set.
    private static List<String> echoes(
            RequestFields fields, ServedModel model, List<int[]> prompts, int perPrompt, OptionalInt alternatives) {
        boolean echo = fields.flag("echo");
        if (echo && alternatives.isPresent()) {
            throw ApiException.field(
                    "echo",
                    "unsupported_value",
                    "The field 'echo' together with 'logprobs' is not supported: prompts get no log-probabilities.");
        }
        List<String> echoes = new ArrayList<>();
        for (int[] prompt : prompts) {
            String text =
                    echo ? model.tokenizer().map(t -> t.decode(prompt, false)).orElse("") : "";
            for (int i = 0; i < perPrompt; i++) {
                echoes.add(text);
            }
        }
        return echoes;
    }

    private static List<int[]> prompts(RequestFields fields, ServedModel model) {
        JsonNode prompt = fields.value("prompt")
                .orElseThrow(() ->
                        ApiException.field("prompt", "The field 'prompt' is missing; expected " + EXPECTED + "."));
        List<int[]> prompts = new ArrayList<>();
        if (prompt.isTextual()) {
            prompts.add(encode(prompt, model));
        } else {
            RequestFields.array("prompt", prompt, EXPECTED);
            if (!prompt.isEmpty() && prompt.get(0).isNumber()) {
                prompts.add(ids("prompt", prompt, model));
            } else {
                for (int i = 0; i < prompt.size(); i++) {
                    JsonNode one = prompt.get(i);
                    prompts.add(one.isTextual() ? encode(one, model) : ids("prompt[" + i + "]", one, model));
                }
            }
        }
        if (prompts.isEmpty() || prompts.stream().anyMatch(ids -> ids.length == 0)) {
            throw ApiException.field("prompt", "A prompt is empty; expected at least one token to continue from.");
        }
        return prompts;
    }

    private static int[] encode(JsonNode text, ServedModel model) {
        Tokenizer tokenizer = model.tokenizer()
                .orElseThrow(() -> ApiException.field(
                        "prompt", "The model '" + model.id() + "' has no tokenizer; expected token ids as prompt."));
        return tokenizer.encodeWithSpecialTokens(Json.wellFormed(text.textValue()));
    }

    private static int[] ids(String where, JsonNode list, ServedModel model) {
        RequestFields.array(where, list, EXPECTED);
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            if (!list.get(i).isInt()) {
                throw RequestFields.wrong(where, list.get(i), "token ids only");
            }
            ids[i] = list.get(i).intValue();
            model.checkToken(where, ids[i]);
        }
        return ids;
    }

    /// @param echoes what stands before each choice
    private record TextShape(Optional<Logprobs> logprobs, List<String> echoes, Map<Integer, Integer> offsets)
            implements Answers.Shape {
        private TextShape(Optional<Logprobs> logprobs, List<String> echoes) {
            this(logprobs, echoes, new HashMap<>());
        }

        @Override
        public String idPrefix() {
            return "cmpl";
        }

        @Override
        public String object(boolean chunk) {
            return "text_completion";
        }

        @Override
        public void whole(ObjectNode choice, int number, GenerationResult.Choice answer) {
            choice.put("text", echoes.get(number) + answer.text());
            logprobs.ifPresentOrElse(
                    l -> choice.set("logprobs", l.completion(answer.tokens(), 0)), () -> choice.putNull("logprobs"));
        }

        @Override
        public boolean opening(ObjectNode choice, int number) {
            choice.put("text", echoes.get(number));
            choice.putNull("logprobs");
            return !echoes.get(number).isEmpty();
        }

        @Override
        public void piece(ObjectNode choice, int number, String text, List<TokenChoice> tokens) {
            choice.put("text", text);
            if (logprobs.isPresent() && !tokens.isEmpty()) {
                choice.set("logprobs", logprobs.get().completion(tokens, offsets.getOrDefault(number, 0)));
            } else {
                choice.putNull("logprobs");
            }
            offsets.merge(number, text.length(), Integer::sum);
        }
    }
}
