package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

/// An example and where it was read.
public record Row<E extends Example>(E example, Source source) {
    public Row {
        requireNonNull(example, "example");
        requireNonNull(source, "source");
    }
}
