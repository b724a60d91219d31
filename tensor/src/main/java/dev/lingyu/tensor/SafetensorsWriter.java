package dev.lingyu.tensor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes safetensors files so that a file is either whole or absent: temporary file, fsync, atomic rename.
public final class SafetensorsWriter {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long PIECE = 1L << 26;

    private SafetensorsWriter() {}

    /// Writes one file.
    ///
    /// @param file     replaced if it exists
    /// @param tensors  by name; their bytes follow one another in this order
    /// @param metadata strings for `__metadata__`; `format: pt` is what transformers expects
    /// @throws IOException when the disk is full or not writable; an existing file is then left as it was
    public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                writeFully(channel, header(tensors, metadata));
                for (Tensor tensor : tensors.values()) {
                    try (Scope scope = Scope.open()) {
                        Tensor plain = tensor.to(Device.CPU).contiguous();
                        long size = plain.byteCount();
                        for (long at = 0; at < size; at += PIECE) {
                            writeFully(
                                    channel,
                                    plain.bytes()
                                            .asSlice(at, Math.min(PIECE, size - at))
                                            .asByteBuffer());
                        }
                    }
                }
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /// Writes a model's tensors as Hugging Face does: one `model.safetensors`, or shards of at most
    /// `shardBytes` with `model.safetensors.index.json` beside them.
    ///
    /// @return the files written, in order
    public static List<Path> writeSharded(Path directory, Map<String, Tensor> tensors, long shardBytes)
            throws IOException {
        List<Map<String, Tensor>> shards = new java.util.ArrayList<>();
        long total = 0;
        long inShard = 0;
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            long bytes = entry.getValue().byteCount();
            if (shards.isEmpty() || (inShard > 0 && inShard + bytes > shardBytes)) {
                shards.add(new LinkedHashMap<>());
                inShard = 0;
            }
            shards.getLast().put(entry.getKey(), entry.getValue());
            inShard += bytes;
            total += bytes;
        }
        Map<String, String> metadata = Map.of("format", "pt");
        if (shards.size() <= 1) {
            Path file = directory.resolve(SafetensorsDirectory.SINGLE);
            write(file, tensors, metadata);
            return List.of(file);
        }
        ObjectNode index = JSON.createObjectNode();
        index.putObject("metadata").put("total_size", total);
        ObjectNode weightMap = index.putObject("weight_map");
        List<Path> files = new java.util.ArrayList<>();
        for (int i = 0; i < shards.size(); i++) {
            String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
            write(directory.resolve(name), shards.get(i), metadata);
            files.add(directory.resolve(name));
            shards.get(i).keySet().forEach(tensor -> weightMap.put(tensor, name));
        }
        Path indexFile = directory.resolve(SafetensorsDirectory.INDEX);
        Files.write(indexFile, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(index));
        files.add(indexFile);
        return files;
    }

    private static ByteBuffer header(Map<String, Tensor> tensors, Map<String, String> metadata) {
        ObjectNode root = JSON.createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode node = root.putObject("__metadata__");
            metadata.forEach(node::put);
        }
        long at = 0;
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            Tensor tensor = entry.getValue();
            ObjectNode node = root.putObject(entry.getKey());
            node.put("dtype", tensor.dtype().safetensorsName());
            ArrayNode shape = node.putArray("shape");
            for (long size : tensor.shape()) {
                shape.add(size);
            }
            long end = at + tensor.byteCount();
            node.putArray("data_offsets").add(at).add(end);
            at = end;
        }
        byte[] json;
        try {
            json = JSON.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
        // Padded with spaces so that the numbers behind the header are aligned.
        int padded = (json.length + 7) / 8 * 8;
        ByteBuffer buffer = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(padded).put(json);
        while (buffer.hasRemaining()) {
            buffer.put((byte) ' ');
        }
        return buffer.flip();
    }

    private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
