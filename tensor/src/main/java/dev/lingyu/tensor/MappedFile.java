package dev.lingyu.tensor;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;

/// A file whose pages the operating system maps on demand, for formats that keep tensors as plain little-endian
/// bytes.
///
/// Everything taken from it is read-only memory: writing to it ends the process. It stays valid until neither
/// this object nor any tensor over it is reachable.
public final class MappedFile {
    private final Path file;
    private final MemorySegment bytes;
    // An automatic arena: unmapped when its last user is gone.
    private final Arena arena;

    private MappedFile(Path file, MemorySegment bytes, Arena arena) {
        this.file = file;
        this.bytes = bytes;
        this.arena = arena;
    }

    /// Maps a whole file.
    ///
    /// @throws TensorException when it is missing or unreadable
    public static MappedFile open(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new TensorException("There is no file " + file + ".");
        }
        Arena arena = Arena.ofAuto();
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "r");
                FileChannel channel = access.getChannel()) {
            return new MappedFile(file, channel.map(MapMode.READ_ONLY, 0, channel.size(), arena), arena);
        } catch (IOException e) {
            throw new TensorException("Reading " + file + " failed: " + e.getMessage() + ".", e);
        }
    }

    /// The file's path.
    public Path path() {
        return file;
    }

    /// Bytes in the file.
    public long size() {
        return bytes.byteSize();
    }

    /// The whole file.
    public MemorySegment bytes() {
        return bytes;
    }

    /// A contiguous tensor whose elements begin at a byte of the file; copied only where they are not aligned.
    ///
    /// @throws TensorException when the elements reach beyond the end
    public Tensor tensor(long offset, DType dtype, long... shape) {
        long size = dtype.byteSize();
        try {
            for (long dimension : shape) {
                size = Math.multiplyExact(size, dimension);
            }
        } catch (ArithmeticException e) {
            size = Long.MAX_VALUE;
        }
        if (size == 0) {
            return Tensor.empty(dtype, Device.CPU, shape);
        }
        if (offset < 0 || size < 0 || size > bytes.byteSize() - offset) {
            throw new TensorException(file + " is cut off or unsound: a tensor of " + size + " bytes at byte " + offset
                    + " reaches beyond its " + bytes.byteSize() + " bytes.");
        }
        MemorySegment elements = bytes.asSlice(offset, size);
        if (elements.address() % dtype.byteSize() != 0) {
            Tensor copy = Tensor.empty(dtype, Device.CPU, shape);
            copy.bytes().copyFrom(elements);
            return copy;
        }
        return Tensor.over(elements, dtype, shape, arena);
    }
}
