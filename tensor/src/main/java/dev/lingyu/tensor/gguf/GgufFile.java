package dev.lingyu.tensor.gguf;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.MappedFile;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.TensorException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// A GGUF file (version 2 or 3, little-endian), memory-mapped: nothing but the header is read before it is
/// asked for.
///
/// ```java
/// GgufFile file = GgufFile.open(Path.of("model.gguf"));
/// try (Tensor weight = file.tensor("blk.0.attn_q.weight", DType.BF16)) { … }
/// ```
public final class GgufFile {
    static final String AGAIN = "Copy or download the file again.";
    static final String ALIGNMENT = "general.alignment";
    static final int USUAL_ALIGNMENT = 32;
    static final int VERSION = 3;
    private static final byte[] MAGIC = "GGUF".getBytes(StandardCharsets.US_ASCII);
    // Magic, version, number of tensors, number of metadata entries.
    private static final int FIXED_BYTES = 24;
    // An entry of the tensor table with an empty name and one dimension; a metadata entry with an empty key.
    private static final int LEAST_TENSOR = 32;
    private static final int LEAST_ENTRY = 13;

    private final MappedFile file;
    private final int version;
    private final GgufMetadata metadata;
    private final Map<String, GgufTensor> tensors;

    private GgufFile(MappedFile file, int version, GgufMetadata metadata, Map<String, GgufTensor> tensors) {
        this.file = file;
        this.version = version;
        this.metadata = metadata;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /// Whether a path is a file that begins like a GGUF file.
    public static boolean isPresent(Path path) {
        if (!Files.isRegularFile(path)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(path)) {
            return Arrays.equals(in.readNBytes(MAGIC.length), MAGIC);
        } catch (IOException e) {
            return false;
        }
    }

    /// Opens and checks a file.
    ///
    /// @throws TensorException when the file is missing, cut off, of another version, or its header lies about
    /// counts, lengths, types, shapes or offsets
    public static GgufFile open(Path path) {
        MappedFile mapped = MappedFile.open(path);
        MemorySegment bytes = mapped.bytes();
        if (bytes.byteSize() < FIXED_BYTES) {
            throw new TensorException(
                    "%s is cut off: %d bytes are no GGUF file, which starts with %d bytes of counts. %s"
                            .formatted(path, bytes.byteSize(), FIXED_BYTES, AGAIN));
        }
        if (bytes.asSlice(0, 4).mismatch(MemorySegment.ofArray(MAGIC)) >= 0) {
            throw broken(path, "its first four bytes are not \"GGUF\"");
        }
        GgufCursor cursor = new GgufCursor(bytes, path, 4);
        int version = cursor.int32("the version");
        if (version != 2 && version != VERSION) {
            throw new TensorException("%s is a GGUF file of version %s; readable are 2 and 3, little-endian%s."
                    .formatted(
                            path,
                            Integer.toUnsignedString(version),
                            Integer.reverseBytes(version) <= VERSION && version != 1
                                    ? " (this one is big-endian: convert it with llama.cpp's gguf_convert_endian.py)"
                                    : ""));
        }
        long tensorCount = cursor.count("tensors", LEAST_TENSOR);
        GgufMetadata metadata = metadata(cursor, path);
        List<GgufTensor> table = new ArrayList<>();
        for (long i = 0; i < tensorCount; i++) {
            table.add(cursor.tensor());
        }
        long alignment = alignment(metadata, path);
        long begin = aligned(cursor.position(), alignment);
        return new GgufFile(mapped, version, metadata, placed(table, begin, alignment, bytes.byteSize(), path));
    }

    private static GgufMetadata metadata(GgufCursor cursor, Path path) {
        long count = cursor.count("metadata entries", LEAST_ENTRY);
        Map<String, GgufValue> values = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            String key = cursor.key();
            if (values.put(key, cursor.value(key)) != null) {
                throw broken(path, "the metadata key \"" + key + "\" is there twice");
            }
        }
        return new GgufMetadata(path, values);
    }

    private static long alignment(GgufMetadata metadata, Path path) {
        OptionalLong given = metadata.whole(ALIGNMENT);
        long alignment = given.orElse(USUAL_ALIGNMENT);
        // Above a megabyte it would only be there to make files large.
        if (alignment < 8 || alignment > 1 << 20 || Long.bitCount(alignment) != 1) {
            throw broken(path, ALIGNMENT + " is " + alignment + ", a power of two from 8 to 1048576 was expected");
        }
        return alignment;
    }

    static long aligned(long at, long alignment) {
        return (at + alignment - 1) & -alignment;
    }

    /// Tensors must follow one another from the beginning to the end: no overlap, no hole, nothing behind.
    private static Map<String, GgufTensor> placed(
            List<GgufTensor> table, long begin, long alignment, long size, Path path) {
        List<GgufTensor> order = new ArrayList<>(table);
        order.sort(Comparator.comparingLong(GgufTensor::offset));
        Map<String, GgufTensor> tensors = new LinkedHashMap<>();
        long at = 0;
        for (GgufTensor tensor : order) {
            if (tensor.offset() != at) {
                throw broken(
                        path,
                        "the tensor \"%s\" is said to begin at byte %s of the data, where the one before it ends is %d"
                                .formatted(tensor.name(), Long.toUnsignedString(tensor.offset()), at));
            }
            // No overflow: the sum stays below the file's size before the next one is added.
            if (tensor.byteCount() > size - begin - at) {
                throw new TensorException(
                        "%s is cut off: the tensor \"%s\" needs %d bytes at byte %d, the file has only %d. %s"
                                .formatted(path, tensor.name(), tensor.byteCount(), begin + at, size, AGAIN));
            }
            if (tensors.put(
                            tensor.name(),
                            new GgufTensor(
                                    tensor.name(), tensor.type(), tensor.shape(), begin + at, tensor.byteCount()))
                    != null) {
                throw broken(path, "the tensor \"" + tensor.name() + "\" is there twice");
            }
            at = aligned(at + tensor.byteCount(), alignment);
        }
        if (size > begin + at) {
            throw broken(path, (size - begin - at) + " bytes behind the last tensor belong to no tensor");
        }
        return tensors;
    }

    /// The file's path.
    public Path path() {
        return file.path();
    }

    /// The version of the format: 2 or 3.
    public int version() {
        return version;
    }

    /// The keys and values.
    public GgufMetadata metadata() {
        return metadata;
    }

    /// All tensors by name, in the order of their bytes.
    public Map<String, GgufTensor> tensors() {
        return tensors;
    }

    /// What the file says about one tensor.
    ///
    /// @throws TensorException when there is none of that name
    public GgufTensor info(String name) {
        GgufTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new TensorException(path() + " has no tensor \"" + name + "\".");
        }
        return tensor;
    }

    /// A tensor's bytes in the mapped file, read-only.
    public MemorySegment bytes(String name) {
        GgufTensor tensor = info(name);
        return file.bytes().asSlice(tensor.offset(), tensor.byteCount());
    }

    /// A tensor in the order of the file; see [#tensor(String, DType, RowOrder)].
    public Tensor tensor(String name, DType dtype) {
        return tensor(name, dtype, RowOrder.AS_STORED);
    }

    /// A tensor of a floating type.
    ///
    /// Where its values are stored as just that type, in just that order, it is a read-only view of the mapped
    /// file; else they are unpacked, on as many threads as libtorch uses, to float and rounded once.
    ///
    /// @param order which stored row comes where; a one-dimensional tensor has rows of one value
    /// @return [the shape of the file's table]
    public Tensor tensor(String name, DType dtype, RowOrder order) {
        GgufTensor tensor = info(name);
        if (order == RowOrder.AS_STORED
                && tensor.type().plain().filter(dtype::equals).isPresent()) {
            return file.tensor(tensor.offset(), dtype, tensor.shape());
        }
        Tensor values = Tensor.empty(dtype, Device.CPU, tensor.shape());
        new RowUnpacker(tensor, bytes(name), order).into(values);
        return values;
    }

    /// A tensor's blocks as they stand, in another order of rows.
    ///
    /// @return bytes [rows × bytes of a row]; a view of the mapped file where the order is the file's
    public Tensor blocks(String name, RowOrder order) {
        GgufTensor tensor = info(name);
        long rowBytes = tensor.type().bytes(tensor.columns());
        if (order == RowOrder.AS_STORED) {
            return file.tensor(tensor.offset(), DType.U8, tensor.rows(), rowBytes);
        }
        Tensor blocks = Tensor.empty(DType.U8, Device.CPU, tensor.rows(), rowBytes);
        MemorySegment from = bytes(name);
        MemorySegment to = blocks.bytes();
        for (long row = 0; row < tensor.rows(); row++) {
            MemorySegment.copy(from, order.stored(row) * rowBytes, to, row * rowBytes, rowBytes);
        }
        return blocks;
    }

    static TensorException broken(Path file, String why) {
        return new TensorException(file + " is not a sound GGUF file: " + why + ".");
    }
}
