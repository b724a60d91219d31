package dev.lingyu.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A moment of a run on disk: `checkpoint-N/` is a complete Hugging Face or PEFT directory with
/// `optimizer.safetensors` (f32 masters and moments) and `trainer_state.json` beside the model, which lists
/// the digest of every file.
///
/// It is written to a hidden folder, forced to disk and renamed: a checkpoint is whole or absent. Reading
/// checks the digests.
///
/// @param directory `checkpoint-N`
/// @param state     `trainer_state.json`
public record Checkpoint(Path directory, JsonNode state) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern NAME = Pattern.compile("checkpoint-(\\d{1,9})");
    private static final String STATE = "trainer_state.json";
    private static final String OPTIMIZER = "optimizer.safetensors";

    /// The updates made by then.
    public int step() {
        return state.path("step").asInt();
    }

    /// Writes a checkpoint.
    ///
    /// @param output the run's directory
    /// @param step   updates made so far
    /// @param tuned  the model, or its adapter, is written as it is at the end of a run
    /// @param state  what else resuming needs
    /// @throws IOException when the disk is full, for instance; earlier checkpoints are untouched and nothing
    /// half-written
    ///                     is left
    static Path write(Path output, int step, TunedModel tuned, DType dtype, Optimizer optimizer, ObjectNode state)
            throws IOException {
        Path temporary = output.resolve(".checkpoint-" + step + ".tmp");
        Path target = output.resolve("checkpoint-" + step);
        deleteTree(temporary);
        try {
            Files.createDirectories(temporary);
            tuned.save(temporary, dtype, optimizer);
            SafetensorsWriter.write(temporary.resolve(OPTIMIZER), optimizer.state(), Map.of("format", "pt"));
            ObjectNode all = state.deepCopy();
            all.put("step", step);
            all.put("optimizer_steps", optimizer.steps());
            all.put("dropout_passes", tuned.model().decoder().dropout().passes());
            ObjectNode digests = all.putObject("sha256");
            for (Path file : files(temporary)) {
                force(file);
                digests.put(file.getFileName().toString(), Digests.sha256(file));
            }
            Path stateFile = temporary.resolve(STATE);
            Files.write(stateFile, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(all));
            force(stateFile);
            force(temporary);
            deleteTree(target);
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            force(output);
            return target;
        } finally {
            deleteTree(temporary);
        }
    }

    /// The newest checkpoint of a run that is whole.
    ///
    /// @param listener hears of damaged ones, which are passed over
    static Optional<Checkpoint> newest(Path output, TrainingListener listener) {
        for (Path directory : directories(output)) {
            try {
                return Optional.of(read(directory));
            } catch (IOException e) {
                listener.notice(directory.getFileName() + " is damaged (" + e.getMessage()
                        + "); an earlier checkpoint is used, or the run starts anew.");
            }
        }
        return Optional.empty();
    }

    /// All checkpoint directories of a run, newest first.
    static List<Path> directories(Path output) {
        if (!Files.isDirectory(output)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(output)) {
            return entries.filter(p -> stepOf(p).isPresent())
                    .sorted(Comparator.comparingInt((Path p) -> stepOf(p).orElse(0))
                            .reversed())
                    .toList();
        } catch (IOException e) {
            throw TrainException.input(output + " can't be listed: " + e.getMessage() + ".");
        }
    }

    private static Optional<Integer> stepOf(Path directory) {
        Matcher matcher = NAME.matcher(directory.getFileName().toString());
        return matcher.matches() ? Optional.of(Integer.parseInt(matcher.group(1))) : Optional.empty();
    }

    private static Checkpoint read(Path directory) throws IOException {
        Path file = directory.resolve(STATE);
        if (!Files.isRegularFile(file)) {
            throw new IOException("it has no " + STATE);
        }
        JsonNode state;
        try {
            state = JSON.readTree(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new IOException(STATE + " is not valid JSON", e);
        }
        for (Map.Entry<String, JsonNode> entry : state.path("sha256").properties()) {
            Path part = directory.resolve(entry.getKey());
            if (!Files.isRegularFile(part)) {
                throw new IOException("it lacks " + entry.getKey());
            }
            if (!Digests.sha256(part).equals(entry.getValue().asText())) {
                throw new IOException("the digest of " + entry.getKey() + " does not match");
            }
        }
        if (!state.path("sha256").has(OPTIMIZER)) {
            throw new IOException("it has no optimiser state");
        }
        return new Checkpoint(directory, state);
    }

    /// Puts weights, moments and dropout back.
    void restore(Optimizer optimizer, TunedModel tuned) {
        tuned.model().decoder().dropout().restore(state.path("dropout_passes").asLong());
        try (Scope scope = Scope.open();
                SafetensorsFile file = SafetensorsFile.open(directory.resolve(OPTIMIZER))) {
            Map<String, Tensor> tensors = new HashMap<>();
            file.names().forEach(name -> tensors.put(name, file.tensor(name)));
            optimizer.restore(tensors, state.path("optimizer_steps").asLong());
        }
    }

    /// The checkpoint of a step, if it is there and whole.
    static Optional<Checkpoint> at(Path output, int step) {
        try {
            return Optional.of(read(output.resolve("checkpoint-" + step)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /// Deletes old checkpoints; the newest always stays.
    ///
    /// @param best the step of one that stays too, or −1
    static void keepNewest(Path output, int limit, int best) throws IOException {
        List<Path> all = directories(output);
        for (Path old : all.subList(Math.min(Math.max(1, limit), all.size()), all.size())) {
            if (stepOf(old).orElse(0) != best) {
                deleteTree(old);
            }
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(Files::isRegularFile).sorted().toList();
        }
    }

    /// Forces a file, or the entries of a directory, to disk.
    private static void force(Path path) throws IOException {
        if (Files.isDirectory(path) && System.getProperty("os.name").startsWith("Windows")) {
            return;
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /// Deletes a directory with what is in it, if it exists.
    static void deleteTree(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        List<Path> paths = new ArrayList<>();
        try (Stream<Path> walk = Files.walk(directory)) {
            walk.forEach(paths::add);
        }
        for (Path path : paths.reversed()) {
            Files.delete(path);
        }
    }
}
