package dev.lingyu.tensor.gguf;

/// In which order the rows of a matrix come out of a file.
@FunctionalInterface
public interface RowOrder {
    /// The order of the file.
    RowOrder AS_STORED = row -> row;

    /// The row in the file that becomes row `row`.
    long stored(long row);
}
