package dev.lingyu.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.RandomAccess;

/// Tokenized rows in a file that is mapped into memory: a row takes heap only while it is looked at.
///
/// | bytes | what, all numbers little-endian |
/// | --- | --- |
/// | 8 | `LINGYUR1` |
/// | … | the rows: int32 documents, int32 tokens, int32 length of each document, int32 ids, int32 labels |
/// | 8 × rows | where each row begins |
/// | … | what is known of them, JSON in UTF-8 |
/// | 8 + 8 + 8 | where the list of rows begins, where the JSON begins, how many rows there are |
/// | 32 | SHA-256 of all bytes before |
final class RowFile {
    static final byte[] MAGIC = {'L', 'I', 'N', 'G', 'Y', 'U', 'R', '1'};
    static final int DIGEST_BYTES = 32;
    static final int TAIL_BYTES = 3 * Long.BYTES + DIGEST_BYTES;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final MemorySegment bytes;
    private final long index;
    private final int rows;
    private final JsonNode facts;

    private RowFile(MemorySegment bytes, long index, int rows, JsonNode facts) {
        this.bytes = bytes;
        this.index = index;
        this.rows = rows;
        this.facts = facts;
    }

    /// A file that is no whole row file.
    static final class Damaged extends Exception {
        private static final long serialVersionUID = 1L;

        Damaged(String why) {
            super(why);
        }
    }

    /// Maps a file and checks its digest.
    ///
    /// @throws Damaged when it is not as it was written
    static RowFile open(Path path) throws IOException, Damaged {
        MemorySegment bytes;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            // Unmapped once nothing refers to it any more.
            bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        }
        long size = bytes.byteSize();
        if (size < MAGIC.length + TAIL_BYTES) {
            throw new Damaged("it is cut off");
        }
        byte[] digest = bytes.asSlice(size - DIGEST_BYTES).toArray(ValueLayout.JAVA_BYTE);
        if (!Arrays.equals(digest, sha256(bytes.asSlice(0, size - DIGEST_BYTES)))) {
            throw new Damaged("its digest does not fit its bytes");
        }
        long index = bytes.get(LONG, size - TAIL_BYTES);
        long json = bytes.get(LONG, size - TAIL_BYTES + Long.BYTES);
        long rows = bytes.get(LONG, size - TAIL_BYTES + 2 * Long.BYTES);
        byte[] facts = bytes.asSlice(json, size - TAIL_BYTES - json).toArray(ValueLayout.JAVA_BYTE);
        return new RowFile(bytes, index, Math.toIntExact(rows), JSON.readTree(facts));
    }

    private static byte[] sha256(MemorySegment bytes) {
        MessageDigest digest = Digests.sha256();
        long chunk = 1 << 26;
        for (long at = 0; at < bytes.byteSize(); at += chunk) {
            digest.update(
                    bytes.asSlice(at, Math.min(chunk, bytes.byteSize() - at)).asByteBuffer());
        }
        return digest.digest();
    }

    int size() {
        return rows;
    }

    /// What is known of the rows.
    JsonNode facts() {
        return facts;
    }

    private long place(int row) {
        return bytes.get(LONG, index + (long) row * Long.BYTES);
    }

    /// The tokens of a row, without reading it.
    int tokens(int row) {
        return bytes.get(INT, place(row) + Integer.BYTES);
    }

    TrainingRow row(int row) {
        long at = place(row);
        int documents = bytes.get(INT, at);
        int tokens = bytes.get(INT, at + Integer.BYTES);
        long lengths = at + 2L * Integer.BYTES;
        long ids = lengths + (long) documents * Integer.BYTES;
        return new TrainingRow(
                ints(ids, tokens), ints(ids + (long) tokens * Integer.BYTES, tokens), ints(lengths, documents));
    }

    private int[] ints(long at, int count) {
        int[] ints = new int[count];
        MemorySegment.copy(bytes, INT, at, ints, 0, count);
        return ints;
    }

    /// Rows of this file, in an order of one's own.
    List<TrainingRow> list(int[] order) {
        return new Rows(this, order);
    }

    /// All rows in their order.
    List<TrainingRow> list() {
        int[] order = new int[rows];
        Arrays.setAll(order, i -> i);
        return list(order);
    }

    /// A list whose rows are read from the file each time they are asked for.
    static final class Rows extends AbstractList<TrainingRow> implements RandomAccess {
        private final RowFile file;
        private final int[] order;

        private Rows(RowFile file, int[] order) {
            this.file = file;
            this.order = order;
        }

        @Override
        public TrainingRow get(int i) {
            return file.row(order[i]);
        }

        int tokens(int i) {
            return file.tokens(order[i]);
        }

        @Override
        public int size() {
            return order.length;
        }
    }
}
