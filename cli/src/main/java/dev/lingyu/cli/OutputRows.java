package dev.lingyu.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.dataset.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A JSON Lines file that a command writes: it appears whole when the command succeeds, and not at all
/// otherwise.
final class OutputRows implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final AtomicFile file;

    private OutputRows(AtomicFile file) {
        this.file = file;
    }

    /// Refuses a target that would cost the user something, before anything is computed.
    ///
    /// @throws CliException when the target is a folder, or the input itself
    static void check(Path input, Path output) throws IOException {
        if (Files.isDirectory(output)) {
            throw new CliException("--output is the folder " + output + "; name a file, such as "
                    + output.resolve("output.jsonl") + ".");
        }
        if (Files.exists(output) && Files.exists(input) && Files.isSameFile(input, output)) {
            throw new CliException("--output is the input file " + input + " itself; name another file.");
        }
    }

    static OutputRows create(Path target) throws IOException {
        return new OutputRows(AtomicFile.create(target));
    }

    void write(JsonNode row) throws IOException {
        file.stream().write(JSON.writeValueAsBytes(row));
        file.stream().write('\n');
    }

    /// Puts the file in its place.
    void commit() throws IOException {
        file.commit();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
