package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

/// A dialogue that waits for the model's answer, as rollouts need it.
public record PromptExample(Conversation prompt) implements Example {
    public PromptExample {
        requireNonNull(prompt, "prompt");
    }

    public static PromptExample of(String question) {
        return new PromptExample(Conversation.of(Message.user(question)));
    }
}
