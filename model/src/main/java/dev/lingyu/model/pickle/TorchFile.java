package dev.lingyu.model.pickle;

import dev.lingyu.tensor.MappedFile;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.TensorException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A file written by `torch.save` (PyTorch 1.6 or later: a zip of one pickle and one entry per storage) that holds
/// tensors by name: a state dict, or one inside a checkpoint under `module`, `state_dict` or `model`.
///
/// Nested dictionaries are flattened with dots, as Megatron needs.
public final class TorchFile {
    private static final List<String> WRAPPERS = List.of("module", "state_dict", "model");
    private static final int DEEPEST = 16;
    private static final int LONGEST_NAME = 1000;
    private static final int LARGEST_PICKLE = 1 << 26;

    private final MappedFile file;
    private final Map<String, ZipEntries.Entry> entries;
    private final String folder;
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

    private TorchFile(MappedFile file, Map<String, ZipEntries.Entry> entries, String folder) {
        this.file = file;
        this.entries = entries;
        this.folder = folder;
    }

    /// Opens and checks a file; nothing in it is run.
    ///
    /// @throws TensorException when it is no such file, is cut off, or wants anything but tensors, naming what
    public static TorchFile open(Path path) {
        MappedFile file = MappedFile.open(path);
        try {
            return read(file);
        } catch (TensorException e) {
            throw new TensorException(path + " can't be used: " + e.getMessage() + ".", e);
        }
    }

    private static TorchFile read(MappedFile file) {
        if (!ZipEntries.isZip(file)) {
            throw new TensorException("it is no zip file as PyTorch 1.6 and later write it (older ones: load it there"
                    + " with torch.load and save it again)");
        }
        Map<String, ZipEntries.Entry> entries = ZipEntries.of(file);
        String pickle = entries.keySet().stream()
                .filter(name -> name.equals("data.pkl") || name.endsWith("/data.pkl"))
                .findFirst()
                .orElseThrow(() -> new TensorException("it has no entry data.pkl"));
        TorchFile torch = new TorchFile(file, entries, pickle.substring(0, pickle.length() - "data.pkl".length()));
        torch.checkByteOrder();
        Object root = Pickle.read(torch.bytes(pickle));
        torch.flatten("", stateDict(root, DEEPEST), Collections.newSetFromMap(new IdentityHashMap<>()));
        if (torch.tensors.isEmpty()) {
            throw new TensorException("it holds no tensors by name");
        }
        return torch;
    }

    private ByteBuffer bytes(String name) {
        ZipEntries.Entry entry = Optional.ofNullable(entries.get(name))
                .orElseThrow(() -> new TensorException("its entry \"" + name + "\" is missing"));
        if (entry.size() > LARGEST_PICKLE) {
            throw new TensorException("its entry \"" + name + "\" has " + entry.size() + " bytes, too many for names");
        }
        return ByteBuffer.wrap(
                file.bytes().asSlice(entry.offset(), entry.size()).toArray(ValueLayout.JAVA_BYTE));
    }

    private void checkByteOrder() {
        String name = folder + "byteorder";
        if (entries.containsKey(name)
                && !StandardCharsets.US_ASCII.decode(bytes(name)).toString().equals("little")) {
            throw new TensorException("its numbers are big-endian");
        }
    }

    private static Map<?, ?> stateDict(Object root, int depth) {
        if (!(root instanceof Map<?, ?> map)) {
            throw new TensorException("it holds no dictionary of tensors");
        }
        for (String wrapper : WRAPPERS) {
            if (depth > 0 && map.get(wrapper) instanceof Map<?, ?> inner) {
                return stateDict(inner, depth - 1);
            }
        }
        return map;
    }

    /// @param seen dictionaries already looked at: one that holds itself would otherwise never end
    private void flatten(String prefix, Map<?, ?> map, Set<Object> seen) {
        if (!seen.add(map)) {
            return;
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            String name = prefix + entry.getKey();
            if (name.length() > LONGEST_NAME) {
                throw new TensorException("a name in it has " + name.length() + " characters");
            }
            if (entry.getValue() instanceof StoredTensor tensor) {
                checkStorage(name, tensor.storage());
                tensors.put(name, tensor);
            } else if (entry.getValue() instanceof Map<?, ?> inner) {
                flatten(name + ".", inner, seen);
            }
        }
    }

    private void checkStorage(String name, StoredTensor.Storage storage) {
        ZipEntries.Entry entry = entries.get(folder + "data/" + storage.key());
        if (entry == null) {
            throw new TensorException(
                    "the storage \"" + storage.key() + "\" of its tensor \"" + name + "\" is missing");
        }
        if (storage.count() > entry.size() / storage.dtype().byteSize()) {
            throw new TensorException("the storage of its tensor \"" + name + "\" has " + entry.size()
                    + " bytes, too few for " + storage.count() + " elements");
        }
    }

    /// The names of all tensors.
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    /// A tensor: a read-only view of the mapped file where its elements lie row by row, else a copy.
    ///
    /// @throws TensorException when the file has no tensor of that name
    public Tensor tensor(String name) {
        StoredTensor stored = stored(name);
        StoredTensor.Storage storage = stored.storage();
        ZipEntries.Entry entry = Optional.ofNullable(entries.get(folder + "data/" + storage.key()))
                .orElseThrow();
        if (stored.isContiguous()) {
            long begin = entry.offset() + stored.offset() * storage.dtype().byteSize();
            return file.tensor(begin, storage.dtype(), stored.shape());
        }
        return file.tensor(entry.offset(), storage.dtype(), storage.count())
                .asStrided(stored.shape(), stored.strides(), stored.offset())
                .contiguous();
    }

    /// The shape of a tensor.
    public long[] shape(String name) {
        return stored(name).shape().clone();
    }

    private StoredTensor stored(String name) {
        StoredTensor stored = tensors.get(name);
        if (stored == null) {
            throw new TensorException(file.path() + " has no tensor \"" + name + "\".");
        }
        return stored;
    }
}
