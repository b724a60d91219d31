package dev.lingyu.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.EngineException;
import dev.lingyu.engine.FinishReason;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.GenerationResult;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.engine.TokenChoice;
import io.helidon.webserver.http.ServerResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// What both completion APIs do alike: run a request on the engine, and send its answer whole or as a stream. They
/// differ in how a choice looks, which [Shape] says.
final class Answers {
    private Answers() {}

    /// A checked request.
    ///
    /// @param prompts       one or more
    /// @param params        the same for all prompts
    /// @param includeUsage  whether a stream ends with a chunk that holds only the usage
    record Job(
            ServedModel model,
            List<int[]> prompts,
            SamplingParams params,
            boolean stream,
            boolean includeUsage,
            Shape shape) {
        boolean logprobs() {
            return params.logprobs().isPresent();
        }
    }

    /// How an API writes its answers.
    interface Shape {
        /// `chatcmpl` or `cmpl`.
        String idPrefix();

        /// The value of `object` in a whole answer or in a chunk.
        String object(boolean chunk);

        /// A choice of a whole answer, without `index` and `finish_reason`.
        void whole(ObjectNode choice, int number, GenerationResult.Choice answer);

        /// Chunks that a stream sends for each choice before its text.
        boolean opening(ObjectNode choice, int number);

        /// A choice of a chunk; both text and tokens may be empty in the last one.
        void piece(ObjectNode choice, int number, String text, List<TokenChoice> tokens);
    }

    static void answer(Job job, ServerResponse response, Running.Ticket ticket) {
        List<GenerationRequest> requests = new ArrayList<>();
        for (int[] prompt : job.prompts()) {
            requests.add(new GenerationRequest(prompt, job.params()));
        }
        try (Answering answering =
                Answering.start(job.model(), requests, job.params().n())) {
            ticket.runs(answering);
            ObjectNode frame = Json.object();
            frame.put(
                    "id",
                    job.shape().idPrefix() + "-" + UUID.randomUUID().toString().replace("-", ""));
            frame.put("object", job.shape().object(job.stream()));
            frame.put("created", Instant.now().getEpochSecond());
            frame.put("model", job.model().id());
            frame.put("system_fingerprint", job.model().fingerprint());
            if (job.stream()) {
                stream(job, answering, frame, response);
            } else {
                whole(job, answering, frame, response);
            }
        }
    }

    private static void whole(Job job, Answering answering, ObjectNode frame, ServerResponse response) {
        List<GenerationResult> results = answering.await();
        ArrayNode choices = frame.putArray("choices");
        for (GenerationResult result : results) {
            for (GenerationResult.Choice answer : result.choices()) {
                ObjectNode choice = choices.addObject();
                choice.put("index", choices.size() - 1);
                job.shape().whole(choice, choices.size() - 1, answer);
                choice.put("finish_reason", answer.reason().word());
            }
        }
        frame.set("usage", Usage.of(results).toJson());
        Router.send(response, 200, frame);
    }

    private static void stream(Job job, Answering answering, ObjectNode frame, ServerResponse response) {
        try (EventStream events = EventStream.open(response)) {
            StreamedChoices choices = new StreamedChoices(job, frame, events, answering.choices());
            try {
                choices.open();
                answering.forEachPiece(choices::accept);
                if (job.includeUsage()) {
                    ObjectNode last = frame.deepCopy();
                    last.putArray("choices");
                    last.set("usage", Usage.of(answering.await()).toJson());
                    events.send(last);
                }
            } catch (EngineException e) {
                // The status line is gone already, so the error is an event.
                events.send(Json.error(Router.apiException(e)));
            }
            events.done();
        }
    }

    /// Turns pieces into chunks.
    private static final class StreamedChoices {
        private final Job job;
        private final ObjectNode frame;
        private final EventStream events;
        private final List<List<TokenChoice>> held = new ArrayList<>();

        private StreamedChoices(Job job, ObjectNode frame, EventStream events, int choices) {
            this.job = job;
            this.frame = frame;
            this.events = events;
            for (int i = 0; i < choices; i++) {
                held.add(new ArrayList<>());
            }
        }

        private void open() {
            for (int number = 0; number < held.size(); number++) {
                ObjectNode choice = Json.object().put("index", number);
                if (job.shape().opening(choice, number)) {
                    send(choice, Optional.empty());
                }
            }
        }

        private void accept(Answering.Piece piece) {
            switch (piece) {
                case Answering.Piece.Text text -> {
                    // Tokens without text of their own, parts of a character, go with the text that completes them.
                    List<TokenChoice> tokens = held.get(text.choice());
                    if (job.logprobs()) {
                        tokens.addAll(text.tokens());
                    }
                    if (!text.text().isEmpty()) {
                        sendPiece(text.choice(), text.text(), Optional.empty());
                    }
                }
                case Answering.Piece.End end -> sendPiece(end.choice(), "", Optional.of(end.reason()));
                case Answering.Piece.Done done -> {}
            }
        }

        private void sendPiece(int number, String text, Optional<FinishReason> reason) {
            ObjectNode choice = Json.object().put("index", number);
            job.shape().piece(choice, number, text, List.copyOf(held.get(number)));
            held.get(number).clear();
            send(choice, reason);
        }

        private void send(ObjectNode choice, Optional<FinishReason> reason) {
            reason.ifPresentOrElse(r -> choice.put("finish_reason", r.word()), () -> choice.putNull("finish_reason"));
            ObjectNode chunk = frame.deepCopy();
            chunk.putArray("choices").add(choice);
            if (job.includeUsage()) {
                chunk.putNull("usage");
            }
            events.send(chunk);
        }
    }

    /// Reads `stream` and `stream_options.include_usage`.
    static boolean includeUsage(RequestFields fields, boolean stream) {
        Optional<RequestFields> options = fields.fields("stream_options");
        if (options.isPresent() && !stream) {
            throw ApiException.field(
                    "stream_options", "The field 'stream_options' is only allowed together with \"stream\": true.");
        }
        return options.map(o -> o.flag("include_usage")).orElse(false);
    }
}
