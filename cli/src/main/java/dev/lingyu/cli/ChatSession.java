package dev.lingyu.cli;

import dev.lingyu.engine.Engine;
import dev.lingyu.engine.FinishReason;
import dev.lingyu.engine.Generation;
import dev.lingyu.engine.GenerationListener;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.GenerationResult;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// One conversation: what was said so far, cut from its beginning where it outgrows the model's context.
final class ChatSession {
    private final Engine engine;
    private final ChatEncoder encoder;
    private final SamplingParams params;
    private final Optional<ChatMessage> system;
    private final List<ChatMessage> turns = new ArrayList<>();
    private volatile Optional<Generation> running = Optional.empty();

    ChatSession(Engine engine, SamplingParams params, Optional<String> system) {
        this.engine = engine;
        this.encoder = engine.model().chatEncoder();
        this.params = params;
        this.system = system.map(text -> ChatMessage.of("system", text));
    }

    /// What the chat template is called.
    String templateName() {
        return encoder.template().name();
    }

    /// Forgets what was said.
    void reset() {
        turns.clear();
    }

    /// Asks and waits for the answer, which becomes part of the conversation.
    ///
    /// @param note hears what the user should know: forgotten turns, an answer that was cut
    void ask(String question, GenerationListener listener, Consumer<String> note) {
        turns.add(ChatMessage.of("user", question));
        int[] ids = encoder.prompt(messages());
        int forgotten = 0;
        while (ids.length > promptLimit() && turns.size() > 1) {
            forgetOldestTurn();
            forgotten++;
            ids = encoder.prompt(messages());
        }
        if (ids.length >= engine.contextLength()) {
            turns.clear();
            note.accept("That question has " + ids.length + " tokens with what goes around it; this model's context is "
                    + engine.contextLength() + " tokens: ask in fewer words.");
            return;
        }
        if (forgotten > 0) {
            note.accept("(The conversation outgrew this model's context of " + engine.contextLength()
                    + " tokens: the oldest " + (forgotten == 1 ? "turn is" : forgotten + " turns are")
                    + " forgotten.)");
        }
        answer(ids, listener, note);
    }

    /// Stops the answer that is being written; false when there is none.
    boolean stop() {
        Optional<Generation> current = running;
        current.ifPresent(Generation::cancel);
        return current.isPresent();
    }

    private void answer(int[] ids, GenerationListener listener, Consumer<String> note) {
        Generation generation = engine.submit(new GenerationRequest(ids, params), listener);
        running = Optional.of(generation);
        try {
            GenerationResult.Choice choice = generation.await().choices().getFirst();
            turns.add(ChatMessage.of("assistant", choice.text()));
            if (choice.reason() == FinishReason.LENGTH) {
                note.accept("(Cut after " + choice.tokens().size() + " tokens.)");
            }
        } finally {
            running = Optional.empty();
        }
    }

    /// Room is kept for an answer: what was asked for, but never more than a quarter of the context.
    private int promptLimit() {
        int context = engine.contextLength();
        return context - Math.min(params.maxNewTokens(), context / 4);
    }

    private void forgetOldestTurn() {
        turns.removeFirst();
        if (turns.getFirst().role().equals("assistant")) {
            turns.removeFirst();
        }
    }

    private List<ChatMessage> messages() {
        List<ChatMessage> messages = new ArrayList<>();
        system.ifPresent(messages::add);
        messages.addAll(turns);
        return messages;
    }
}
