package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// A dataset that can be opened: its files, and how to read them.
///
/// @param name what the user calls it
/// @param path a file, a folder or an archive
/// @param layout how its rows are laid out; if empty, the first row of each file decides
/// @param samples take this many of its rows, from the start again if there are fewer (`num_samples`)
/// @param notices sentences for the user about the entry
public record DatasetEntry(
        String name, Path path, Optional<Layout> layout, OptionalLong samples, List<String> notices) {
    public DatasetEntry {
        requireNonNull(name, "name");
        requireNonNull(path, "path");
        requireNonNull(layout, "layout");
        requireNonNull(samples, "samples");
        notices = List.copyOf(notices);
    }

    /// A path by itself.
    public static DatasetEntry ofPath(Path path) {
        return new DatasetEntry(path.toString(), path, Optional.empty(), OptionalLong.empty(), List.of());
    }
}
