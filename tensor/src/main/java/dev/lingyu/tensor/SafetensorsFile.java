package dev.lingyu.tensor;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/// A safetensors file, memory-mapped: tensors are views of the file's pages, nothing is copied, and files may
/// be larger than 2 GB.
///
/// The views are read-only memory: writing to one ends the process. Copy (or convert) before changing
/// anything. They stay valid after [#close()] — the mapping goes when the last of them is closed or
/// collected.
public final class SafetensorsFile implements AutoCloseable {
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MappedFile file;
    private final SafetensorsHeader header;
    // Where tensor bytes begin in the file.
    private final long begin;

    private SafetensorsFile(MappedFile file, SafetensorsHeader header, long begin) {
        this.file = file;
        this.header = header;
        this.begin = begin;
    }

    /// Opens and checks a file.
    ///
    /// @throws TensorException when the file is missing, cut off, or its header lies about sizes, types or
    /// offsets
    public static SafetensorsFile open(Path path) {
        MappedFile file = MappedFile.open(path);
        if (file.size() < 8) {
            throw new TensorException(path + " is cut off: " + file.size()
                    + " bytes are no safetensors file, which starts with 8 bytes of header length.");
        }
        long length = file.bytes().get(LENGTH, 0);
        if (length < 2 || length > SafetensorsHeader.MAX_BYTES) {
            throw SafetensorsHeader.broken(
                    path, "its first 8 bytes give a header of " + Long.toUnsignedString(length) + " bytes");
        }
        if (length > file.size() - 8) {
            throw new TensorException(path + " is cut off: its header has " + length + " bytes, the file only "
                    + file.size() + ". Copy or download the file again.");
        }
        byte[] json = file.bytes().asSlice(8, length).toArray(ValueLayout.JAVA_BYTE);
        long begin = 8 + length;
        return new SafetensorsFile(file, SafetensorsHeader.parse(json, file.size() - begin, path), begin);
    }

    /// The file's path.
    public Path path() {
        return file.path();
    }

    /// The names of all tensors, in the order of their bytes.
    public Set<String> names() {
        return header.tensors().keySet();
    }

    /// The strings under `__metadata__`, such as `format: pt`.
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /// The shape of a tensor.
    public long[] shape(String name) {
        return entry(name).shape().clone();
    }

    /// The type of a tensor.
    public DType dtype(String name) {
        return entry(name).dtype();
    }

    /// A tensor as a read-only view of the mapped file.
    ///
    /// @throws TensorException when the file has no tensor of that name
    public Tensor tensor(String name) {
        SafetensorsHeader.Entry entry = entry(name);
        // Copied where a header of odd length leaves the numbers unaligned, which libtorch must not see.
        return file.tensor(begin + entry.begin(), entry.dtype(), entry.shape());
    }

    private SafetensorsHeader.Entry entry(String name) {
        SafetensorsHeader.Entry entry = header.tensors().get(name);
        if (entry == null) {
            throw new TensorException(file.path() + " has no tensor \"" + name + "\".");
        }
        return entry;
    }

    /// Ends the reading of new tensors from this object; tensors already taken stay valid.
    @Override
    public void close() {
        // Nothing to do: the automatic arena unmaps the file when its last user is gone.
    }
}
