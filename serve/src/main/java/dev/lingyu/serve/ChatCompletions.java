package dev.lingyu.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.GenerationResult;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.engine.TokenChoice;
import dev.lingyu.model.ChatMessage;
import dev.lingyu.model.jinja.TemplateException;
import io.helidon.webserver.http.ServerResponse;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// `POST /v1/chat/completions`.
final class ChatCompletions {
    private ChatCompletions() {}

    /// Answers a conversation.
    ///
    /// @throws ApiException when the request is wrong
    static void answer(RequestFields fields, ServedModel model, ServerResponse response, Running.Ticket ticket) {
        refuseWhatIsMissingHere(fields);
        List<ChatMessage> messages = ChatMessages.read(fields);
        int[] prompt = prompt(model, messages);
        int newTokens = SamplingFields.newTokens(fields, model, prompt.length, OptionalInt.empty(), "messages");
        SamplingParams params = SamplingFields.read(fields, model, alternatives(fields), newTokens);
        boolean stream = fields.flag("stream");
        Optional<Logprobs> logprobs =
                params.logprobs().isPresent() ? Optional.of(new Logprobs(model, params)) : Optional.empty();
        Answers.answer(
                new Answers.Job(
                        model,
                        List.of(prompt),
                        params,
                        stream,
                        Answers.includeUsage(fields, stream),
                        new ChatShape(logprobs)),
                response,
                ticket);
    }

    private static int[] prompt(ServedModel model, List<ChatMessage> messages) {
        if (model.tokenizer().isEmpty()) {
            throw ApiException.field(
                    "model",
                    "The model '%s' has no tokenizer, so it can't chat; post token ids to /v1/completions."
                            .formatted(model.id()));
        }
        try {
            return model.model().chatEncoder().prompt(messages);
        } catch (TemplateException e) {
            throw ApiException.field(
                    "messages", "The model's chat template refused the messages: " + Json.reason(e) + ".");
        }
    }

    private static OptionalInt alternatives(RequestFields fields) {
        OptionalInt top = fields.whole("top_logprobs");
        if (!fields.flag("logprobs")) {
            if (top.isPresent() && top.getAsInt() != 0) {
                throw ApiException.field(
                        "top_logprobs", "The field 'top_logprobs' is only allowed together with \"logprobs\": true.");
            }
            return OptionalInt.empty();
        }
        return OptionalInt.of(SamplingFields.alternatives("top_logprobs", top.orElse(0)));
    }

    /// A client that relies on one of these would misread a plain answer.
    private static void refuseWhatIsMissingHere(RequestFields fields) {
        for (String field : List.of("tools", "functions")) {
            if (fields.value(field).map(list -> !list.isEmpty()).orElse(false)) {
                throw unsupported(field, "this server does not call tools");
            }
        }
        fields.fields("response_format").ifPresent(format -> {
            if (!format.text("type").orElse("text").equals("text")) {
                throw unsupported("response_format", "this server writes free text only");
            }
        });
        if (fields.value("audio").isPresent()) {
            throw unsupported("audio", "this server writes text only");
        }
    }

    private static ApiException unsupported(String field, String why) {
        return ApiException.field(
                field, "unsupported_parameter", "The field '" + field + "' is not supported: " + why + ".");
    }

    private record ChatShape(Optional<Logprobs> logprobs) implements Answers.Shape {
        @Override
        public String idPrefix() {
            return "chatcmpl";
        }

        @Override
        public String object(boolean chunk) {
            return chunk ? "chat.completion.chunk" : "chat.completion";
        }

        @Override
        public void whole(ObjectNode choice, int number, GenerationResult.Choice answer) {
            choice.putObject("message")
                    .put("role", "assistant")
                    .put("content", answer.text())
                    .putNull("refusal");
            put(choice, answer.tokens());
        }

        @Override
        public boolean opening(ObjectNode choice, int number) {
            choice.putObject("delta").put("role", "assistant").put("content", "");
            choice.putNull("logprobs");
            return true;
        }

        @Override
        public void piece(ObjectNode choice, int number, String text, List<TokenChoice> tokens) {
            ObjectNode delta = choice.putObject("delta");
            if (!text.isEmpty()) {
                delta.put("content", text);
            }
            if (tokens.isEmpty()) {
                choice.putNull("logprobs");
            } else {
                put(choice, tokens);
            }
        }

        private void put(ObjectNode choice, List<TokenChoice> tokens) {
            logprobs.ifPresentOrElse(l -> choice.set("logprobs", l.chat(tokens)), () -> choice.putNull("logprobs"));
        }
    }
}
