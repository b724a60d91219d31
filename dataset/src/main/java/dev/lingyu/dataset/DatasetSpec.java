package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// Which datasets to read, and how.
///
/// @param datasets names in `dataset_info.json`, or paths of files, folders and archives; read one after the
///                 other
/// @param folder where `dataset_info.json` is, and where relative paths are looked for too (`dataset_dir`)
/// @param layout how all rows are laid out; if empty, `dataset_info.json` or the first row of each file decides
/// @param maxSamples at most this many examples of each dataset (`max_samples`)
/// @param badRows what to do with a row that can't be read (`on_bad_row`)
/// @param quarantine the folder for `<dataset>.quarantine.jsonl` with the rows left out
/// @param textRows what one example of a plain text file is
/// @param maxRowBytes the longest row that is still read, which bounds the memory that reading takes
/// @param mix how several datasets become one (`mix_strategy`)
public record DatasetSpec(
        List<String> datasets,
        Path folder,
        Optional<Layout> layout,
        OptionalLong maxSamples,
        BadRows badRows,
        Optional<Path> quarantine,
        TextRows textRows,
        int maxRowBytes,
        Mix mix) {
    /// 64 MiB.
    public static final int DEFAULT_MAX_ROW_BYTES = 64 << 20;

    public DatasetSpec {
        datasets = List.copyOf(datasets);
        requireNonNull(folder, "folder");
        requireNonNull(layout, "layout");
        requireNonNull(maxSamples, "maxSamples");
        requireNonNull(badRows, "badRows");
        requireNonNull(quarantine, "quarantine");
        requireNonNull(textRows, "textRows");
        requireNonNull(mix, "mix");
        if (datasets.isEmpty()) {
            throw DatasetException.of("no dataset is named. Name one or more: dataset: first,second");
        }
        if (maxSamples.isPresent() && maxSamples.getAsLong() < 1) {
            throw DatasetException.of("max_samples is a whole number from 1, not " + maxSamples.getAsLong());
        }
        if (maxRowBytes < 1) {
            throw DatasetException.of("max_row_bytes is a whole number from 1, not " + maxRowBytes);
        }
    }

    /// Names or paths as a configuration gives them, separated by commas: `identity,alpaca_zh_demo`.
    public static DatasetSpec of(String datasets) {
        return of(Stream.of(datasets.split(",", -1))
                .map(String::strip)
                .filter(name -> !name.isEmpty())
                .toList());
    }

    /// One path, whatever characters are in it.
    public static DatasetSpec of(Path path) {
        return of(List.of(path.toString()));
    }

    /// Names or paths.
    public static DatasetSpec of(List<String> datasets) {
        return new DatasetSpec(
                datasets,
                Path.of("data"),
                Optional.empty(),
                OptionalLong.empty(),
                BadRows.FAIL,
                Optional.empty(),
                TextRows.LINE,
                DEFAULT_MAX_ROW_BYTES,
                Mix.CONCAT);
    }

    public DatasetSpec withFolder(Path value) {
        return new DatasetSpec(datasets, value, layout, maxSamples, badRows, quarantine, textRows, maxRowBytes, mix);
    }

    public DatasetSpec withLayout(Layout value) {
        return new DatasetSpec(
                datasets, folder, Optional.of(value), maxSamples, badRows, quarantine, textRows, maxRowBytes, mix);
    }

    public DatasetSpec withMaxSamples(long value) {
        return new DatasetSpec(
                datasets, folder, layout, OptionalLong.of(value), badRows, quarantine, textRows, maxRowBytes, mix);
    }

    public DatasetSpec withBadRows(BadRows value) {
        return new DatasetSpec(datasets, folder, layout, maxSamples, value, quarantine, textRows, maxRowBytes, mix);
    }

    public DatasetSpec withQuarantine(Path value) {
        return new DatasetSpec(
                datasets, folder, layout, maxSamples, badRows, Optional.of(value), textRows, maxRowBytes, mix);
    }

    public DatasetSpec withTextRows(TextRows value) {
        return new DatasetSpec(datasets, folder, layout, maxSamples, badRows, quarantine, value, maxRowBytes, mix);
    }

    public DatasetSpec withMaxRowBytes(int value) {
        return new DatasetSpec(datasets, folder, layout, maxSamples, badRows, quarantine, textRows, value, mix);
    }

    public DatasetSpec withMix(Mix value) {
        return new DatasetSpec(datasets, folder, layout, maxSamples, badRows, quarantine, textRows, maxRowBytes, value);
    }
}
