package dev.lingyu.model;

import dev.lingyu.model.gguf.GgufModel;
import dev.lingyu.model.pickle.TorchDirectory;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.SafetensorsDirectory;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.Quantization;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The tensors of a model directory, in whichever format it holds them; safetensors first where it holds both.
sealed interface WeightFiles {
    /// The names of all tensors.
    Set<String> names();

    /// A tensor as a read-only view of the mapped file, or a copy where the format does not allow that.
    Tensor tensor(String name);

    /// The shape of a tensor.
    long[] shape(String name);

    /// Whether a tensor is held as blocks of quantised weights that computation takes as they are.
    default boolean isBlocks(String name) {
        return false;
    }

    /// Such a tensor, u8 [rows × bytes of a row].
    default Tensor blocks(String name) {
        return tensor(name);
    }

    /// How such a tensor is rounded, where the files themselves say so.
    default Optional<Quantization> method(String name) {
        return Optional.empty();
    }

    /// What the files themselves call a tensor, for messages.
    default String called(String name) {
        return name;
    }

    /// What says which tensors there must be, for messages.
    default String promise() {
        return "config.json";
    }

    /// Opens the weights of a directory.
    ///
    /// @throws ModelException when it holds none
    static WeightFiles open(Path directory) {
        if (SafetensorsDirectory.isPresent(directory)) {
            return new Safetensors(SafetensorsDirectory.open(directory));
        }
        if (TorchDirectory.isPresent(directory)) {
            return new Pickled(TorchDirectory.open(directory));
        }
        throw new ModelException(directory + " holds no weights: expected model.safetensors,"
                + " model.safetensors.index.json, pytorch_model.bin or pytorch_model.bin.index.json.");
    }

    /// The same files with prefixes of names taken off.
    ///
    /// @param prefixes of which a name carries one at most
    default WeightFiles without(List<String> prefixes) {
        Map<String, String> stored = new LinkedHashMap<>();
        for (String name : names()) {
            String bare = prefixes.stream()
                    .filter(name::startsWith)
                    .findFirst()
                    .map(prefix -> name.substring(prefix.length()))
                    .orElse(name);
            stored.put(bare, name);
        }
        return new Renamed(this, stored);
    }

    /// Files whose tensors go by other names.
    ///
    /// @param stored the name in `files` of each name here
    record Renamed(WeightFiles files, Map<String, String> stored) implements WeightFiles {
        @Override
        public Set<String> names() {
            return stored.keySet();
        }

        @Override
        public Tensor tensor(String name) {
            return files.tensor(stored.getOrDefault(name, name));
        }

        @Override
        public long[] shape(String name) {
            return files.shape(stored.getOrDefault(name, name));
        }
    }

    /// `model.safetensors` or its shards.
    record Safetensors(SafetensorsDirectory files) implements WeightFiles {
        @Override
        public boolean isBlocks(String name) {
            return files.dtype(name) == DType.U8;
        }

        @Override
        public Set<String> names() {
            return files.names();
        }

        @Override
        public Tensor tensor(String name) {
            return files.tensor(name);
        }

        @Override
        public long[] shape(String name) {
            return files.shape(name);
        }
    }

    /// One safetensors file of any name.
    record SafetensorsOne(SafetensorsFile file) implements WeightFiles {
        @Override
        public Set<String> names() {
            return file.names();
        }

        @Override
        public Tensor tensor(String name) {
            return file.tensor(name);
        }

        @Override
        public long[] shape(String name) {
            return file.shape(name);
        }
    }

    /// `pytorch_model.bin` or its shards.
    record Pickled(TorchDirectory files) implements WeightFiles {
        @Override
        public Set<String> names() {
            return files.names();
        }

        @Override
        public Tensor tensor(String name) {
            return files.tensor(name);
        }

        @Override
        public long[] shape(String name) {
            return files.shape(name);
        }
    }

    /// A GGUF file, whose tensors are unpacked unless they may stay what they are.
    ///
    /// @param dtype the type that they are unpacked to where they are not stored plainly
    /// @param keep  whether Q8_0 and Q4_0 stay what they are
    record Gguf(GgufModel model, DType dtype, boolean keep) implements WeightFiles {
        @Override
        public boolean isBlocks(String name) {
            return keep && method(name).isPresent();
        }

        @Override
        public Optional<Quantization> method(String name) {
            return model.method(name);
        }

        @Override
        public Tensor blocks(String name) {
            return model.blocks(name);
        }

        @Override
        public Set<String> names() {
            return model.weights().keySet();
        }

        @Override
        public Tensor tensor(String name) {
            return model.tensor(name, dtype);
        }

        @Override
        public long[] shape(String name) {
            return model.shape(name);
        }

        @Override
        public String called(String name) {
            return model.nameInFile(name);
        }

        @Override
        public String promise() {
            return "metadata";
        }
    }
}
