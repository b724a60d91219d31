package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

/// A document, or a line of one, to continue pretraining on.
public record TextExample(String text) implements Example {
    public TextExample {
        requireNonNull(text, "text");
    }

    public static TextExample of(String text) {
        return new TextExample(text);
    }
}
