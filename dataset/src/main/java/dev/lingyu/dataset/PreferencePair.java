package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

/// Two answers to one prompt, of which people (or a judge) preferred the first.
public record PreferencePair(Conversation prompt, Message chosen, Message rejected) implements Example {
    public PreferencePair {
        requireNonNull(prompt, "prompt");
        requireNonNull(chosen, "chosen");
        requireNonNull(rejected, "rejected");
    }

    public static PreferencePair of(Conversation prompt, String chosen, String rejected) {
        return new PreferencePair(prompt, Message.assistant(chosen), Message.assistant(rejected));
    }
}
