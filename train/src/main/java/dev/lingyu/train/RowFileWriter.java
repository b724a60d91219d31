package dev.lingyu.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.AtomicFile;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/// Writes a [RowFile] row by row; it appears whole or not at all.
final class RowFileWriter implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final AtomicFile file;
    private final Path places;
    private final OutputStream index;
    private final MessageDigest digest = Digests.sha256();
    private final MessageDigest rowsDigest = Digests.sha256();
    private long at;
    private long rows;
    private long tokens;
    private int longest;

    RowFileWriter(Path target) throws IOException {
        file = AtomicFile.create(target);
        // Where the rows begin is written beside them and appended at the end: it may be too much for the heap.
        places = Files.createTempFile(target.toAbsolutePath().getParent(), ".places", ".tmp");
        index = new BufferedOutputStream(Files.newOutputStream(places), 1 << 16);
        put(RowFile.MAGIC);
    }

    void add(TrainingRow row) throws IOException {
        int documents = row.lengths().length;
        int length = row.ids().length;
        ByteBuffer record = buffer(Integer.BYTES * (2 + documents + 2 * length));
        record.putInt(documents).putInt(length);
        record.asIntBuffer().put(row.lengths()).put(row.ids()).put(row.labels());
        index.write(buffer(Long.BYTES).putLong(at).array());
        rowsDigest.update(record.array());
        put(record.array());
        rows++;
        tokens += length;
        longest = Math.max(longest, length);
    }

    long rows() {
        return rows;
    }

    /// Puts the file in its place.
    ///
    /// @param facts what is known of the rows; their number, tokens and digest are added
    void finish(ObjectNode facts) throws IOException {
        if (rows > Integer.MAX_VALUE) {
            throw new IOException("more than 2,147,483,647 rows");
        }
        facts.put("rows", rows);
        facts.put("tokens", tokens);
        facts.put("longest", longest);
        facts.put("rows_sha256", HexFormat.of().formatHex(rowsDigest.digest()));
        index.close();
        long indexAt = at;
        try (InputStream in = Files.newInputStream(places)) {
            byte[] chunk = new byte[1 << 16];
            for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
                put(chunk, n);
            }
        }
        long jsonAt = at;
        put(JSON.writeValueAsBytes(facts));
        put(buffer(3 * Long.BYTES)
                .putLong(indexAt)
                .putLong(jsonAt)
                .putLong(rows)
                .array());
        file.stream().write(digest.digest());
        file.commit();
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void put(byte[] bytes) throws IOException {
        put(bytes, bytes.length);
    }

    private void put(byte[] bytes, int length) throws IOException {
        digest.update(bytes, 0, length);
        file.stream().write(bytes, 0, length);
        at += length;
    }

    @Override
    public void close() throws IOException {
        index.close();
        Files.deleteIfExists(places);
        file.close();
    }
}
