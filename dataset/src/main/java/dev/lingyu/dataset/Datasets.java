package dev.lingyu.dataset;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/// The door to datasets.
///
/// ```java
/// DatasetSpec spec =
/// DatasetSpec.of("identity,alpaca_zh_demo").withFolder(Path.of("data")).withMaxSamples(1000);
/// try (ExampleStream<Conversation> rows = Datasets.open(spec, Conversation.class)) {
///     rows.forEachRemaining(row -> learn(row.example()));
///     rows.reports().forEach(report -> System.out.println(report.sentence()));
/// }
/// ```
public final class Datasets {
    private Datasets() {}

    /// Opens datasets for a stage that needs one shape of example.
    ///
    /// @param shape what the stage needs; [Example] takes each dataset's own shape
    /// @throws DatasetException if a dataset can't be found; what is wrong inside the files shows while reading
    public static <E extends Example> ExampleStream<E> open(DatasetSpec spec, Class<E> shape) {
        List<DatasetEntry> entries = find(spec);
        List<Supplier<DatasetReader<E>>> readers = new ArrayList<>();
        for (DatasetEntry entry : entries) {
            readers.add(() -> new DatasetReader<>(entry, spec, shape));
        }
        return new ExampleStream<>(new Mixer<>(spec.mix(), readers, () -> sizes(entries, spec, shape)));
    }

    /// How many examples each dataset has, which takes reading them once.
    private static <E extends Example> List<Long> sizes(List<DatasetEntry> entries, DatasetSpec spec, Class<E> shape) {
        DatasetSpec counted = new DatasetSpec(
                spec.datasets(),
                spec.folder(),
                spec.layout(),
                spec.maxSamples(),
                spec.badRows(),
                Optional.empty(),
                spec.textRows(),
                spec.maxRowBytes(),
                Mix.CONCAT);
        List<Long> sizes = new ArrayList<>();
        for (DatasetEntry entry : entries) {
            try (DatasetReader<E> reader = new DatasetReader<>(entry, counted, shape)) {
                long size = 0;
                while (reader.next().isPresent()) {
                    size++;
                }
                sizes.add(size);
            }
        }
        return sizes;
    }

    /// Opens datasets in whatever shape they are.
    public static ExampleStream<Example> open(DatasetSpec spec) {
        return open(spec, Example.class);
    }

    /// Finds what a spec names: in `dataset_info.json`, else as a path, else as a path in the spec's folder.
    ///
    /// @throws DatasetException if a name is neither
    public static List<DatasetEntry> find(DatasetSpec spec) {
        Optional<DatasetInfo> info = DatasetInfo.in(spec.folder());
        List<DatasetEntry> entries = new ArrayList<>();
        for (String name : spec.datasets()) {
            entries.add(find(name, spec, info));
        }
        return entries;
    }

    private static DatasetEntry find(String name, DatasetSpec spec, Optional<DatasetInfo> info) {
        Optional<DatasetEntry> entry = info.flatMap(known -> known.entry(name));
        if (entry.isPresent()) {
            return entry.get();
        }
        Path path = path(name);
        if (Files.exists(path)) {
            return DatasetEntry.ofPath(path);
        }
        Path inside = spec.folder().resolve(path);
        if (Files.exists(inside)) {
            return new DatasetEntry(name, inside, Optional.empty(), OptionalLong.empty(), List.of());
        }
        List<String> names = info.map(DatasetInfo::names).orElse(List.of());
        boolean looksLikePath = name.contains("/") || name.contains(".");
        if (looksLikePath) {
            // The reader says that the file is missing, and which one beside it may be meant.
            return DatasetEntry.ofPath(path.getParent() == null ? inside : path);
        }
        Path file = spec.folder().resolve(DatasetInfo.FILE);
        String where = info.isPresent()
                ? "is neither named in " + file + " nor a file"
                : "is no file, and there is no " + file + " that could name it";
        String advice = NearName.of(name, names)
                .map(near -> "Did you mean \"" + near + "\"?")
                .orElse("Check the name, or set dataset_dir to the folder of " + DatasetInfo.FILE);
        throw DatasetException.of("dataset \"" + name + "\" " + where + ". " + advice);
    }

    private static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException impossible) {
            throw DatasetException.of("dataset \"" + name.replace('\0', '?') + "\" can't be the name of a file ("
                    + impossible.getReason() + ")");
        }
    }
}
