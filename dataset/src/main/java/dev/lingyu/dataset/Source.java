package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;

/// A place in a file.
///
/// @param file the file as the user named it; a file in an archive is `all.zip!/train.jsonl`
/// @param row counted from 1: the line in JSON Lines and plain text, the element in a JSON list
public record Source(Path file, long row) {
    public Source {
        requireNonNull(file, "file");
        if (row < 1) {
            throw new IllegalArgumentException("rows count from 1, not " + row);
        }
    }

    @Override
    public String toString() {
        return file + ", row " + row;
    }
}
