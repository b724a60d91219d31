package dev.lingyu.tensor.gguf;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.Workers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// Writes GGUF files (version 3, tensors aligned to 32 bytes) so that a file is either whole or absent:
/// temporary file, fsync, atomic rename. One tensor is in memory at a time.
public final class GgufWriter {
    private static final int CHUNK = 4096;
    private static final long PIECE = 1L << 26;

    private GgufWriter() {}

    /// A tensor to write.
    ///
    /// @param name   at most 63 bytes, which is all that llama.cpp keeps
    /// @param type   F32, F16, BF16, Q8_0 or Q4_0
    /// @param shape  slowest dimension first; the last a multiple of the type's block
    /// @param values makes the tensor, of any floating type, when its turn comes
    public record Entry(String name, GgufType type, long[] shape, Supplier<Tensor> values) {}

    /// Whether tensors of a type can be written.
    public static boolean canWrite(GgufType type) {
        return type.plain().isPresent() || GgufQuantizer.knows(type);
    }

    /// Writes one file.
    ///
    /// @param file     replaced if it exists
    /// @param metadata by key, in this order
    /// @param tensors  their bytes follow one another in this order
    /// @throws IOException when the disk is full or not writable; an existing file is then left as it was
    public static void write(Path file, Map<String, GgufValue> metadata, List<Entry> tensors) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                writeFully(channel, ByteBuffer.wrap(header(metadata, tensors)));
                for (Entry entry : tensors) {
                    pad(channel);
                    write(channel, entry);
                }
                pad(channel);
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static byte[] header(Map<String, GgufValue> metadata, List<Entry> tensors) {
        GgufBytes out = new GgufBytes();
        out.header(GgufFile.VERSION, tensors.size(), metadata.size());
        metadata.forEach(out::entry);
        long at = 0;
        for (Entry entry : tensors) {
            long count = Arrays.stream(entry.shape()).reduce(1, Math::multiplyExact);
            if (entry.shape()[entry.shape().length - 1] % entry.type().blockSize() != 0) {
                throw new IllegalArgumentException(entry.name() + ": its rows don't fill blocks of " + entry.type());
            }
            out.tensor(entry, at);
            at = GgufFile.aligned(at + entry.type().bytes(count), GgufFile.USUAL_ALIGNMENT);
        }
        return out.toByteArray();
    }

    private static void write(FileChannel channel, Entry entry) throws IOException {
        try (Scope scope = Scope.open()) {
            Tensor values = entry.values().get();
            if (!Arrays.equals(values.shape(), entry.shape())) {
                throw new IllegalArgumentException(entry.name() + " has the shape " + Arrays.toString(values.shape())
                        + ", not " + Arrays.toString(entry.shape()));
            }
            DType dtype = entry.type().plain().orElse(DType.F32);
            Tensor plain = values.to(Device.CPU).to(dtype).contiguous();
            if (entry.type().plain().isPresent()) {
                writeFully(channel, plain.bytes());
            } else {
                long bytes = entry.type().bytes(plain.count());
                Tensor blocks = Tensor.empty(DType.U8, Device.CPU, bytes);
                quantize(entry.type(), plain.bytes(), blocks.bytes());
                writeFully(channel, blocks.bytes());
            }
        }
    }

    /// All rows together are whole blocks, so rows need not be told apart.
    private static void quantize(GgufType type, MemorySegment from, MemorySegment to) {
        long blocks = to.byteSize() / type.blockBytes();
        Workers.shared().run((part, parts) -> {
            float[] floats = new float[CHUNK];
            byte[] packed = new byte[(int) type.bytes(CHUNK)];
            long end = blocks * (part + 1) / parts;
            int step = CHUNK / type.blockSize();
            for (long block = blocks * part / parts; block < end; block += step) {
                int count = (int) Math.min(step, end - block);
                MemorySegment.copy(
                        from,
                        ValueLayout.JAVA_FLOAT,
                        block * type.blockSize() * Float.BYTES,
                        floats,
                        0,
                        count * type.blockSize());
                GgufQuantizer.quantize(type, floats, packed, count);
                MemorySegment.copy(
                        packed, 0, to, ValueLayout.JAVA_BYTE, block * type.blockBytes(), count * type.blockBytes());
            }
        });
    }

    private static void pad(FileChannel channel) throws IOException {
        long at = channel.position();
        writeFully(channel, ByteBuffer.allocate((int) (GgufFile.aligned(at, GgufFile.USUAL_ALIGNMENT) - at)));
    }

    private static void writeFully(FileChannel channel, MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); at += PIECE) {
            writeFully(
                    channel,
                    bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer());
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
