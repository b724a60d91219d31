package dev.lingyu.model;

import dev.lingyu.model.pickle.TorchDirectory;
import dev.lingyu.tensor.SafetensorsDirectory;
import dev.lingyu.tensor.Tensor;
import java.nio.file.Path;
import java.util.Set;

/// The tensors of a model directory, in whichever format it holds them; safetensors first where it holds both.
sealed interface WeightFiles {
    /// The names of all tensors.
    Set<String> names();

    /// A tensor as a read-only view of the mapped file, or a copy where the format does not allow that.
    Tensor tensor(String name);

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

    /// `model.safetensors` or its shards.
    record Safetensors(SafetensorsDirectory files) implements WeightFiles {
        @Override
        public Set<String> names() {
            return files.names();
        }

        @Override
        public Tensor tensor(String name) {
            return files.tensor(name);
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
    }
}
