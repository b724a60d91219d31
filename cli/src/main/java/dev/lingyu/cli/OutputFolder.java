package dev.lingyu.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// A folder that a command fills with a model, and the `run.json` that says from what.
///
/// @param path empty, or not there yet
record OutputFolder(Path path) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// @throws DirectoryNotEmptyException when something is in it
    static OutputFolder empty(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            try (Stream<Path> entries = Files.list(path)) {
                if (entries.findAny().isPresent()) {
                    throw new DirectoryNotEmptyException(path.toString());
                }
            }
        }
        return new OutputFolder(path);
    }

    /// Writes `run.json`.
    ///
    /// @param kind    what made the folder
    /// @param parents adds what it was made from
    void record(String kind, Consumer<ObjectNode> parents) throws IOException {
        ObjectNode record = JSON.createObjectNode();
        record.put("kind", kind);
        record.put("status", "finished");
        record.put("written", Instant.now().toString());
        parents.accept(record.putObject("parents"));
        Files.write(
                path.resolve("run.json"), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(record));
    }
}
