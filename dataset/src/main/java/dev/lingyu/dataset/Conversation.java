package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A dialogue: what the system prompt says, the turns, and the tools on offer as JSON text.
///
/// Any list of messages can be held here; [#irregularity()] says whether the two sides take turns as training
/// needs. Readers only hand out regular ones.
public record Conversation(Optional<String> system, List<Message> messages, Optional<String> tools) implements Example {
    public Conversation {
        requireNonNull(system, "system");
        requireNonNull(tools, "tools");
        messages = List.copyOf(messages);
    }

    public static Conversation of(Message... messages) {
        return of(List.of(messages));
    }

    public static Conversation of(List<Message> messages) {
        return new Conversation(Optional.empty(), messages, Optional.empty());
    }

    public Conversation withSystem(String text) {
        return new Conversation(Optional.of(text), messages, tools);
    }

    public Conversation withTools(String json) {
        return new Conversation(system, messages, Optional.of(json));
    }

    /// The same dialogue with one more turn.
    public Conversation plus(Message message) {
        List<Message> longer = new ArrayList<>(messages);
        longer.add(message);
        return new Conversation(system, longer, tools);
    }

    /// True if the last turn is the model's, so that there is an answer to learn.
    public boolean endsWithAnswer() {
        return !messages.isEmpty() && messages.getLast().role().isModel();
    }

    /// The dialogue up to the question that waits for an answer: without its last turn if that one is the
    /// model's.
    public Conversation withoutAnswer() {
        return endsWithAnswer() ? new Conversation(system, messages.subList(0, messages.size() - 1), tools) : this;
    }

    /// What keeps the two sides from taking turns, beginning with the reader's side, or empty if they do.
    ///
    /// Tool results that follow each other (several calls in one turn) count as one turn. How the dialogue ends
    /// is not judged: a prompt ends with a question, a lesson with an answer.
    public Optional<String> irregularity() {
        if (messages.isEmpty()) {
            return Optional.of("the conversation has no turns");
        }
        boolean model = false;
        for (int i = 0; i < messages.size(); i++) {
            Role role = messages.get(i).role();
            boolean sameTurn =
                    i > 0 && role == Role.OBSERVATION && messages.get(i - 1).role() == Role.OBSERVATION;
            if (sameTurn) {
                continue;
            }
            if (role == Role.SYSTEM || role.isModel() != model) {
                return Optional.of("turn " + (i + 1) + " is the " + spoken(role) + "'s, where it is the "
                        + (model ? "assistant" : "user") + "'s turn");
            }
            model = !model;
        }
        return Optional.empty();
    }

    private static String spoken(Role role) {
        return switch (role) {
            case USER -> "user";
            case ASSISTANT -> "assistant";
            case SYSTEM -> "system";
            case TOOL_CALL -> "assistant (tool call)";
            case OBSERVATION -> "tool";
        };
    }
}
