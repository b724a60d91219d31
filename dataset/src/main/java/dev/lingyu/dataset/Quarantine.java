package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/// The file of rows left out: `{"file", "row", "reason", "raw"}` in each line. It exists only if there are
/// such rows.
final class Quarantine implements AutoCloseable {
    /// Enough to recognise and repair a row; a longer one is cut.
    private static final int RAW_CHARS = 1 << 20;

    private final JsonMapper mapper = new JsonMapper();
    private final Optional<Path> file;
    private Optional<AtomicFile> out = Optional.empty();
    private boolean finished;

    Quarantine(Optional<Path> folder, String dataset) {
        String name = dataset.replaceAll("[^\\p{L}\\p{N}._-]+", "_");
        this.file = folder.map(place -> place.resolve(name + ".quarantine.jsonl"));
    }

    void add(BadRow row, String raw) {
        if (file.isEmpty()) {
            return;
        }
        ObjectNode line = mapper.createObjectNode()
                .put("file", row.source().file().toString())
                .put("row", row.source().row())
                .put("reason", row.reason())
                .put("raw", raw.length() > RAW_CHARS ? raw.substring(0, RAW_CHARS) : raw);
        try {
            if (out.isEmpty()) {
                out = Optional.of(AtomicFile.create(file.get()));
            }
            out.get().stream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException failure) {
            throw notWritten(file.get(), failure);
        }
    }

    /// The file, once it is in place.
    Optional<Path> finishedFile() {
        return finished ? file : Optional.empty();
    }

    @Override
    public void close() {
        if (out.isEmpty()) {
            return;
        }
        try (AtomicFile done = out.get()) {
            out = Optional.empty();
            done.commit();
            finished = true;
        } catch (IOException failure) {
            throw notWritten(file.orElseThrow(), failure);
        }
    }

    private static DatasetException notWritten(Path file, IOException failure) {
        return DatasetException.inFile(file, "can't be written (" + failure.getMessage() + ")", failure);
    }
}
