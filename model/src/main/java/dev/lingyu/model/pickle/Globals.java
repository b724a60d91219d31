package dev.lingyu.model.pickle;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.TensorException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The names that a pickle may mention, and what is built for each. Nothing here runs code of the file's choosing.
sealed interface Globals {
    /// `torch.FloatStorage` and its like: the element type of a storage.
    record StorageType(DType dtype) implements Globals {}

    /// A function or class that builds plain data.
    enum Builder implements Globals {
        ORDERED_DICT,
        REBUILD_TENSOR,
        REBUILD_PARAMETER,
        /// `set`, `frozenset`, `torch.Size`: their one argument as it is.
        COLLECTION
    }

    /// Something that checkpoints carry beside the weights (options, random states): it is read over, never built.
    record Ignored(String name) implements Globals {}

    int MOST_DIMENSIONS = 64;

    Map<String, Globals> KNOWN = Map.ofEntries(
            Map.entry("collections.OrderedDict", Builder.ORDERED_DICT),
            Map.entry("torch._utils._rebuild_tensor_v2", Builder.REBUILD_TENSOR),
            Map.entry("torch._utils._rebuild_tensor", Builder.REBUILD_TENSOR),
            Map.entry("torch._utils._rebuild_parameter", Builder.REBUILD_PARAMETER),
            Map.entry("torch.Size", Builder.COLLECTION),
            Map.entry("builtins.set", Builder.COLLECTION),
            Map.entry("__builtin__.set", Builder.COLLECTION),
            Map.entry("builtins.frozenset", Builder.COLLECTION),
            Map.entry("__builtin__.frozenset", Builder.COLLECTION),
            Map.entry("torch.DoubleStorage", new StorageType(DType.F64)),
            Map.entry("torch.FloatStorage", new StorageType(DType.F32)),
            Map.entry("torch.HalfStorage", new StorageType(DType.F16)),
            Map.entry("torch.BFloat16Storage", new StorageType(DType.BF16)),
            Map.entry("torch.LongStorage", new StorageType(DType.I64)),
            Map.entry("torch.IntStorage", new StorageType(DType.I32)),
            Map.entry("torch.ShortStorage", new StorageType(DType.I16)),
            Map.entry("torch.CharStorage", new StorageType(DType.I8)),
            Map.entry("torch.ByteStorage", new StorageType(DType.U8)),
            Map.entry("torch.BoolStorage", new StorageType(DType.BOOL)));

    /// Megatron's and DeepSpeed's checkpoints mention these for options and random states.
    List<String> IGNORED = List.of(
            "argparse.Namespace",
            "torch.device",
            "torch.float32",
            "torch.float16",
            "torch.bfloat16",
            "numpy.core.multiarray._reconstruct",
            "numpy._core.multiarray._reconstruct",
            "numpy.core.multiarray.scalar",
            "numpy._core.multiarray.scalar",
            "numpy.ndarray",
            "numpy.dtype",
            "_codecs.encode",
            "megatron.enums.ModelType",
            "megatron.model.enums.ModelType",
            "megatron.model.enums.AttnMaskType",
            "megatron.model.enums.LayerType",
            "megatron.model.enums.AttnType");

    /// What a name stands for.
    ///
    /// @throws TensorException naming anything that does not rebuild tensors
    static Globals of(String module, String name) {
        String full = module + "." + name;
        Globals known = KNOWN.get(full);
        if (known != null) {
            return known;
        }
        if (IGNORED.contains(full)) {
            return new Ignored(full);
        }
        throw new TensorException("it calls for \"" + full
                + "\", which rebuilds no tensor and could run any code; such files are refused (ask for the weights "
                + "as safetensors)");
    }

    /// What calling this with arguments gives.
    default Object call(List<?> arguments) {
        return switch (this) {
            case Builder builder -> build(builder, arguments);
            case Ignored ignored -> ignored;
            case StorageType type -> throw new TensorException("it calls a storage type as a function");
        };
    }

    private static Object build(Builder builder, List<?> arguments) {
        return switch (builder) {
            case ORDERED_DICT -> {
                if (!arguments.isEmpty()) {
                    throw new TensorException("it fills a dictionary in the way of Python 2");
                }
                yield new LinkedHashMap<>();
            }
            case REBUILD_TENSOR -> {
                StoredTensor.Storage storage = Pickle.as(StoredTensor.Storage.class, arguments, 0);
                yield new StoredTensor(
                        storage,
                        Pickle.as(Long.class, arguments, 1),
                        sizes(Pickle.as(List.class, arguments, 2)),
                        sizes(Pickle.as(List.class, arguments, 3)));
            }
            case REBUILD_PARAMETER -> Pickle.as(StoredTensor.class, arguments, 0);
            case COLLECTION -> arguments.isEmpty() ? List.of() : Pickle.as(List.class, arguments, 0);
        };
    }

    private static long[] sizes(List<?> numbers) {
        if (numbers.size() > MOST_DIMENSIONS) {
            throw new TensorException("a tensor has " + numbers.size() + " dimensions");
        }
        long[] sizes = new long[numbers.size()];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = Pickle.as(Long.class, numbers, i);
        }
        return sizes;
    }

    /// A storage from its persistent id `("storage", type, key, location, count, …)`.
    static StoredTensor.Storage storage(Object id) {
        List<?> parts = id instanceof List<?> list ? list : List.of();
        if (parts.size() < 5 || !"storage".equals(parts.get(0))) {
            throw new TensorException("it refers to something outside of itself that is no storage");
        }
        long count = Pickle.as(Long.class, parts, 4);
        if (count < 0) {
            throw new TensorException("a storage has " + count + " elements");
        }
        return new StoredTensor.Storage(
                Pickle.as(StorageType.class, parts, 1).dtype(), Pickle.as(String.class, parts, 2), count);
    }
}
