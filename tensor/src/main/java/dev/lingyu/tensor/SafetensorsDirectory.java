package dev.lingyu.tensor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// The tensors of a model directory: `model.safetensors`, or the shards that `model.safetensors.index.json`
/// lists.
public final class SafetensorsDirectory implements AutoCloseable {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, SafetensorsFile> fileOf;

    private SafetensorsDirectory(Map<String, SafetensorsFile> fileOf) {
        this.fileOf = fileOf;
    }

    /// Whether a directory holds weights in this format.
    public static boolean isPresent(Path directory) {
        return Files.isRegularFile(directory.resolve(SINGLE)) || Files.isRegularFile(directory.resolve(INDEX));
    }

    /// Opens all files of a directory and checks that the index tells the truth about them.
    ///
    /// @throws TensorException when a shard is missing or unsound, or holds other tensors than the index says
    public static SafetensorsDirectory open(Path directory) {
        Map<String, SafetensorsFile> fileOf = new LinkedHashMap<>();
        Path index = directory.resolve(INDEX);
        if (Files.isRegularFile(directory.resolve(SINGLE)) || !Files.isRegularFile(index)) {
            SafetensorsFile file = SafetensorsFile.open(directory.resolve(SINGLE));
            file.names().forEach(name -> fileOf.put(name, file));
            return new SafetensorsDirectory(fileOf);
        }
        Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : weightMap(index).properties()) {
            String shard = entry.getValue().asText();
            if (shard.contains("/") || shard.contains("\\") || shard.contains("..")) {
                throw new TensorException(index + ": the shard name \"" + shard + "\" points outside the directory.");
            }
            SafetensorsFile file = shards.computeIfAbsent(shard, s -> SafetensorsFile.open(directory.resolve(s)));
            if (!file.names().contains(entry.getKey())) {
                throw new TensorException(
                        index + " says that \"" + entry.getKey() + "\" is in " + shard + ", but it is not.");
            }
            fileOf.put(entry.getKey(), file);
        }
        return new SafetensorsDirectory(fileOf);
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

    /// A tensor as a read-only view of the mapped file; see [SafetensorsFile].
    public Tensor tensor(String name) {
        return file(name).tensor(name);
    }

    /// The shape of a tensor.
    public long[] shape(String name) {
        return file(name).shape(name);
    }

    /// The type of a tensor.
    public DType dtype(String name) {
        return file(name).dtype(name);
    }

    private SafetensorsFile file(String name) {
        SafetensorsFile file = fileOf.get(name);
        if (file == null) {
            throw new TensorException("The weights hold no tensor \"" + name + "\".");
        }
        return file;
    }

    @Override
    public void close() {
        fileOf.values().forEach(SafetensorsFile::close);
    }
}
