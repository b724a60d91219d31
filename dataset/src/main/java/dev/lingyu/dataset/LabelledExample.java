package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

/// A dialogue whose last answer somebody found good or bad, with no second answer to compare (KTO).
public record LabelledExample(Conversation conversation, boolean desirable) implements Example {
    public LabelledExample {
        requireNonNull(conversation, "conversation");
    }
}
