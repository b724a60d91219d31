package dev.lingyu.model.pickle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.TensorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The pickled weights of a model directory: `pytorch_model.bin`, the shards that
/// `pytorch_model.bin.index.json` lists, or Megatron's `mp_rank_00_model_states.pt`.
public final class TorchDirectory {
    private static final String INDEX = "pytorch_model.bin.index.json";
    private static final List<String> SINGLES =
            List.of("pytorch_model.bin", "mp_rank_00_model_states.pt", "model/mp_rank_00_model_states.pt");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, TorchFile> fileOf;

    private TorchDirectory(Map<String, TorchFile> fileOf) {
        this.fileOf = fileOf;
    }

    private static Optional<Path> single(Path directory) {
        return SINGLES.stream()
                .map(directory::resolve)
                .filter(Files::isRegularFile)
                .findFirst();
    }

    /// Whether a directory holds weights in this format.
    public static boolean isPresent(Path directory) {
        return single(directory).isPresent() || Files.isRegularFile(directory.resolve(INDEX));
    }

    /// Opens all files of a directory.
    ///
    /// @throws TensorException when a file is missing or unsound, wants anything but tensors, or is one of
    /// several
    ///     tensor-parallel parts
    public static TorchDirectory open(Path directory) {
        Map<String, TorchFile> fileOf = new LinkedHashMap<>();
        Optional<Path> single = single(directory);
        if (single.isPresent()) {
            Path second = single.get().resolveSibling("mp_rank_01_model_states.pt");
            if (Files.exists(second)) {
                throw new TensorException(second
                        + " is one part of a model split for tensor parallelism: merge the parts into one file first.");
            }
            TorchFile file = TorchFile.open(single.get());
            file.names().forEach(name -> fileOf.put(name, file));
            return new TorchDirectory(fileOf);
        }
        Path index = directory.resolve(INDEX);
        Map<String, TorchFile> shards = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : weightMap(index).properties()) {
            String shard = entry.getValue().asText();
            if (shard.contains("/") || shard.contains("\\") || shard.contains("..")) {
                throw new TensorException(index + ": the shard name \"" + shard + "\" points outside the directory.");
            }
            TorchFile file = shards.computeIfAbsent(shard, s -> TorchFile.open(directory.resolve(s)));
            if (!file.names().contains(entry.getKey())) {
                throw new TensorException(
                        index + " says that \"" + entry.getKey() + "\" is in " + shard + ", but it is not.");
            }
            fileOf.put(entry.getKey(), file);
        }
        return new TorchDirectory(fileOf);
    }

    private static JsonNode weightMap(Path index) {
        try {
            JsonNode map = JSON.readTree(Files.readAllBytes(index)).path("weight_map");
            if (!map.isObject() || map.isEmpty()) {
                throw new TensorException(index + " has no \"weight_map\" with tensor names and files.");
            }
            return map;
        } catch (IOException e) {
            throw new TensorException(index + " can't be read: " + e.getMessage(), e);
        }
    }

    /// The names of all tensors.
    public Set<String> names() {
        return Collections.unmodifiableSet(fileOf.keySet());
    }

    /// A tensor; see [TorchFile#tensor].
    public Tensor tensor(String name) {
        return file(name).tensor(name);
    }

    /// The shape of a tensor.
    public long[] shape(String name) {
        return file(name).shape(name);
    }

    private TorchFile file(String name) {
        TorchFile file = fileOf.get(name);
        if (file == null) {
            throw new TensorException("The weights hold no tensor \"" + name + "\".");
        }
        return file;
    }
}
