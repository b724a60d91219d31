package dev.lingyu.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.AtomicFile;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/// `run.json`: what made a directory, from what, with which settings and versions, and what came of it.
public final class RunRecord {
    /// The file's name.
    public static final String FILE = "run.json";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final ObjectNode fields;

    private RunRecord(Path file, ObjectNode fields) {
        this.file = file;
        this.fields = fields;
    }

    /// Describes a run that is about to begin.
    static RunRecord start(TrainConfig config, LanguageModel model, TrainingRows rows, String baseDigest) {
        ObjectNode fields = JSON.createObjectNode();
        fields.put("kind", "train");
        fields.put("stage", config.stage().name().toLowerCase(java.util.Locale.ROOT));
        fields.put("status", "running");
        fields.put("started", Instant.now().toString());
        fields.set("config", config.source());
        fields.put("seed", config.steps().seed());
        ObjectNode parents = fields.putObject("parents");
        config.model().path().ifPresent(path -> {
            parents.put("model", path.toString());
            if (!config.model().scratch()) {
                parents.put("model_sha256", baseDigest);
            }
        });
        for (Path adapter : config.tuning().adapters()) {
            ObjectNode parent = parents.withArray("adapters").addObject().put("path", adapter.toString());
            try {
                parent.put("sha256", Digests.weights(adapter));
            } catch (IOException e) {
                parent.put("sha256", "unreadable: " + e.getMessage());
            }
        }
        config.data().datasets().forEach(parents.putArray("datasets")::add);
        fields.put("data_sha256", rows.digest());
        model.tokenizer().ifPresent(t -> fields.put("tokenizer_sha256", t.digest()));
        model.chatTemplate().ifPresent(t -> fields.put("template_sha256", t.digest()));
        ObjectNode versions = fields.putObject("versions");
        versions.put("java", Runtime.version().toString());
        versions.put("libtorch", Torch.version());
        versions.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        ObjectNode machine = fields.putObject("machine");
        Machine.of(model).write(machine);
        return new RunRecord(config.output().directory().resolve(FILE), fields);
    }

    /// Reads the record of a directory.
    public static Optional<ObjectNode> read(Path directory) {
        Path file = directory.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return JSON.readTree(Files.readAllBytes(file)) instanceof ObjectNode node
                    ? Optional.of(node)
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    ObjectNode fields() {
        return fields;
    }

    /// Writes the record with a new status; whole or not at all.
    void write(String status) throws IOException {
        fields.put("status", status);
        fields.put("written", Instant.now().toString());
        AtomicFile.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(fields));
    }
}
