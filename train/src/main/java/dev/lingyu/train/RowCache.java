package dev.lingyu.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.DatasetEntry;
import dev.lingyu.dataset.Datasets;
import dev.lingyu.model.ChatEncoder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Tokenized rows are kept: the next run on the same files with the same tokenizer, template and options maps
/// them instead of tokenizing again.
///
/// A file's name is the digest of all that its rows depend on, so a stale file is never taken for a fresh one;
/// a damaged one is told by its own digest and made anew.
final class RowCache {
    /// Changes whenever the same input would give other rows.
    private static final int VERSION = 1;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final TrainConfig config;
    private final ChatEncoder encoder;

    RowCache(TrainConfig config, ChatEncoder encoder) {
        this.config = config;
        this.encoder = encoder;
    }

    /// The rows of some datasets, from the cache or made now.
    RowFile rows(List<String> datasets, List<String> notices, RowPipeline.Progress progress) {
        Path file = folder().resolve(key(datasets) + ".rows");
        return open(file, notices).orElseGet(() -> make(file, datasets, notices, progress));
    }

    /// `tokenized_path`, else `.tokenized` beside the output directory.
    private Path folder() {
        return config.data()
                .tokenized()
                .orElseGet(() ->
                        config.output().directory().toAbsolutePath().normalize().resolveSibling(".tokenized"));
    }

    private static Optional<RowFile> open(Path file, List<String> notices) {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(RowFile.open(file));
        } catch (RowFile.Damaged | IOException e) {
            notices.add("The tokenized rows in " + file + " can't be used (" + e.getMessage()
                    + "), so they are made again.");
            return Optional.empty();
        }
    }

    private RowFile make(Path file, List<String> datasets, List<String> notices, RowPipeline.Progress progress) {
        try (RowFileWriter writer = new RowFileWriter(file)) {
            ObjectNode facts = new RowPipeline(config, encoder, progress).write(datasets, writer);
            writer.finish(facts);
        } catch (IOException e) {
            throw new TrainException(
                    TrainException.Kind.FAILURE,
                    "The tokenized rows can't be written to " + file.getParent() + " (" + e.getMessage()
                            + "). Make room there, or set tokenized_path to another folder.",
                    e);
        }
        return open(file, notices)
                .orElseThrow(() -> new TrainException(
                        TrainException.Kind.FAILURE,
                        file + " was damaged while it was written. Check the disk, or set tokenized_path."));
    }

    /// All that the rows depend on, as one digest.
    private String key(List<String> datasets) {
        TrainConfig.Data data = config.data();
        ObjectNode key = JSON.createObjectNode();
        key.put("version", VERSION);
        key.put("stage", config.stage().name());
        key.put("tokenizer", encoder.tokenizer().digest());
        key.put("bos", String.valueOf(encoder.tokenizer().bosTokenId()));
        key.put("eos", encoder.tokenizer().eosTokenIds().toString());
        key.put("template", encoder.template().digest());
        key.put("rows", data.rows().toString());
        key.put("packing", data.packing());
        key.put("thinking", data.thinking().toString());
        key.put("mix", data.mixing().toString());
        key.put("max_samples", data.maxSamples().toString());
        key.put("skip_bad_rows", data.skipBadRows());
        ArrayNode files = key.putArray("datasets");
        for (DatasetEntry entry : Datasets.find(RowPipeline.spec(config, datasets))) {
            ObjectNode one = files.addObject();
            one.put("layout", entry.layout().toString());
            one.put("samples", entry.samples().toString());
            contents(entry.path(), one.putArray("sha256"));
        }
        return HexFormat.of()
                .formatHex(Digests.sha256().digest(key.toString().getBytes(StandardCharsets.UTF_8)), 0, 16);
    }

    private static void contents(Path path, ArrayNode digests) {
        try {
            if (Files.isDirectory(path)) {
                try (Stream<Path> files = Files.list(path)) {
                    for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                        digests.add(file.getFileName() + " " + Digests.sha256(file));
                    }
                }
            } else if (Files.isRegularFile(path)) {
                digests.add(path.getFileName() + " " + Digests.sha256(path));
            }
        } catch (IOException e) {
            throw TrainException.input(
                    path + " can't be read (" + e.getMessage() + "). Check the path and its rights.");
        }
    }
}
