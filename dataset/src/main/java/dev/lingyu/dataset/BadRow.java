package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

/// A row that gave no example.
///
/// @param source where it is
/// @param reason what is wrong with it: `field "output": expected a string, found a number (42)`
public record BadRow(Source source, String reason) {
    public BadRow {
        requireNonNull(source, "source");
        requireNonNull(reason, "reason");
    }
}
