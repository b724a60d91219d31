package dev.lingyu.tensor;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/// A safetensors file, memory-mapped: tensors are views of the file's pages, nothing is copied, and files may
/// be
/// larger
/// than 2 GB.
///
/// The views are read-only memory: writing to one ends the process. Copy (or convert) before changing
/// anything. They
/// stay
/// valid after [#close()] — the mapping goes when the last of them is closed or collected.
public final class SafetensorsFile implements AutoCloseable {
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final SafetensorsHeader header;
    private final MemorySegment data;
    // An automatic arena: unmapped when neither this file nor any tensor over it is reachable.
    private final Arena arena;

    private SafetensorsFile(Path file, SafetensorsHeader header, MemorySegment data, Arena arena) {
        this.file = file;
        this.header = header;
        this.data = data;
        this.arena = arena;
    }

    /// Opens and checks a file.
    ///
    /// @throws TensorException when the file is missing, cut off, or its header lies about sizes, types or
    /// offsets
    public static SafetensorsFile open(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new TensorException("There is no file " + file + ".");
        }
        Arena arena = Arena.ofAuto();
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "r");
                FileChannel channel = access.getChannel()) {
            long size = channel.size();
            if (size < 8) {
                throw new TensorException(file + " is cut off: " + size
                        + " bytes are no safetensors file, which starts with 8 bytes of header length.");
            }
            MemorySegment all = channel.map(MapMode.READ_ONLY, 0, size, arena);
            long length = all.get(LENGTH, 0);
            if (length < 2 || length > SafetensorsHeader.MAX_BYTES) {
                throw SafetensorsHeader.broken(
                        file, "its first 8 bytes give a header of " + Long.toUnsignedString(length) + " bytes");
            }
            if (length > size - 8) {
                throw new TensorException(file + " is cut off: its header has " + length + " bytes, the file only "
                        + size + ". Copy or download the file again.");
            }
            byte[] json = all.asSlice(8, length).toArray(ValueLayout.JAVA_BYTE);
            long begin = 8 + length;
            SafetensorsHeader header = SafetensorsHeader.parse(json, size - begin, file);
            return new SafetensorsFile(file, header, all.asSlice(begin), arena);
        } catch (IOException e) {
            throw new TensorException("Reading " + file + " failed: " + e.getMessage() + ".", e);
        }
    }

    /// The file's path.
    public Path path() {
        return file;
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
        if (entry.begin() == entry.end()) {
            return Tensor.empty(entry.dtype(), Device.CPU, entry.shape());
        }
        MemorySegment bytes = data.asSlice(entry.begin(), entry.end() - entry.begin());
        if (bytes.address() % entry.dtype().byteSize() != 0) {
            // A header of odd length leaves the numbers unaligned, which libtorch must not see.
            Tensor copy = Tensor.empty(entry.dtype(), Device.CPU, entry.shape());
            copy.bytes().copyFrom(bytes);
            return copy;
        }
        return Tensor.over(bytes, entry.dtype(), entry.shape(), arena);
    }

    private SafetensorsHeader.Entry entry(String name) {
        SafetensorsHeader.Entry entry = header.tensors().get(name);
        if (entry == null) {
            throw new TensorException(file + " has no tensor \"" + name + "\".");
        }
        return entry;
    }

    /// Ends the reading of new tensors from this object; tensors already taken stay valid.
    @Override
    public void close() {
        // Nothing to do: the automatic arena unmaps the file when its last user is gone.
    }
}
