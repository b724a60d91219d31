package dev.lingyu.dataset;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Files to read and what comes of them.
final class Reading {
    private Reading() {}

    static Path file(Path folder, String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    static List<Example> examples(Path path) {
        return examples(DatasetSpec.of(path), Example.class);
    }

    static <E extends Example> List<E> examples(DatasetSpec spec, Class<E> shape) {
        try (ExampleStream<E> stream = Datasets.open(spec, shape)) {
            return stream.stream().map(Row::example).toList();
        }
    }
}
