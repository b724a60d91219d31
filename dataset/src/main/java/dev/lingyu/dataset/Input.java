package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/// One file of rows, possibly in an archive.
///
/// @param path how the user would name it
/// @param name its own name, whose ending says what it is: `train.jsonl.gz`
/// @param bytes opens it
record Input(Path path, String name, Opener bytes) {
    private static final int PEEK = 1 << 20;
    private static final String PARQUET = ".parquet";
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /// Opens a stream.
    public interface Opener {
        InputStream open() throws IOException;
    }

    public Input {
        requireNonNull(path, "path");
        requireNonNull(bytes, "bytes");
        name = name.toLowerCase(Locale.ROOT);
    }

    /// True if rows can be read from a stream of a file of this name: not from archives, nor from Parquet, whose end
    /// is read first.
    public static boolean readable(String name) {
        String plain = withoutGz(name.toLowerCase(Locale.ROOT));
        return plain.endsWith(".jsonl") || plain.endsWith(".json") || plain.endsWith(".txt");
    }

    private static String withoutGz(String name) {
        return name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
    }

    /// Opens the rows.
    ///
    /// @throws RowFault if the file is of a kind that can't be read
    public RowSource rows(TextRows unit, int limit) throws IOException, RowFault {
        if (name.endsWith(PARQUET)) {
            return ParquetRows.open(path, PATIENCE);
        }
        InputStream raw = bytes.open();
        try {
            InputStream unpacked = name.endsWith(".gz") ? new GZIPInputStream(raw, 1 << 16) : raw;
            BufferedInputStream in = new BufferedInputStream(unpacked, 1 << 16);
            skipMark(in);
            return withoutGz(name).endsWith(".txt") ? new PlainTextRows(in, unit, limit) : json(in, limit);
        } catch (IOException | RowFault | RuntimeException failure) {
            raw.close();
            throw failure;
        }
    }

    /// The content decides, not the name: lists occur in `.jsonl` files and JSON Lines in `.json` files.
    private RowSource json(BufferedInputStream in, int limit) throws IOException {
        byte[] head = peek(in, PEEK);
        int first = 0;
        while (first < head.length && head[first] <= ' ' && head[first] >= 0) {
            first++;
        }
        if (first < head.length && head[first] == '[') {
            return new JsonValueRows(in, true, limit);
        }
        if (withoutGz(name).endsWith(".jsonl") || firstLineIsObject(head, first)) {
            return new JsonLineRows(in, limit);
        }
        return new JsonValueRows(in, false, limit);
    }

    /// Whether the first line ends as an object ends, so that a bad row does not hide what the file is.
    private static boolean firstLineIsObject(byte[] head, int first) {
        byte last = ' ';
        for (int i = first; i < head.length && head[i] != '\n'; i++) {
            if (head[i] > ' ') {
                last = head[i];
            }
        }
        return last == '}';
    }

    /// Passes over a byte order mark, and refuses UTF-16.
    private static void skipMark(BufferedInputStream in) throws IOException, RowFault {
        byte[] head = peek(in, 3);
        if (Arrays.equals(head, new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF})) {
            in.skipNBytes(3);
        } else if (head.length >= 2 && (head[0] & 0xFF) + (head[1] & 0xFF) == 0xFF + 0xFE && (head[0] & 0xFE) == 0xFE) {
            throw RowFault.fatal("the file is UTF-16, not UTF-8. Convert it: iconv -f UTF-16 -t UTF-8");
        }
    }

    /// The next bytes, as many as there are; a stream that breaks is reported later, in its own row.
    private static byte[] peek(BufferedInputStream in, int count) throws IOException {
        in.mark(count);
        byte[] head = new byte[Math.min(count, 1 << 12)];
        int length = 0;
        try {
            while (length < count) {
                if (length == head.length) {
                    head = Arrays.copyOf(head, Math.min(count, 2 * length));
                }
                int got = in.read(head, length, head.length - length);
                if (got < 0) {
                    break;
                }
                length += got;
            }
        } catch (IOException broken) {
            // The same break comes again when a row needs the bytes.
        }
        in.reset();
        return Arrays.copyOf(head, length);
    }

    /// Why this name can't be read, if it can't.
    static Optional<String> refusal(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        if (readable(lower) || lower.endsWith(".zip") || lower.endsWith(PARQUET)) {
            return Optional.empty();
        }
        int dot = lower.lastIndexOf('.');
        String ending = dot < 0 ? "has no ending that says what it is" : "ends in " + lower.substring(dot);
        return Optional.of(
                "the name " + ending
                        + "; .jsonl, .json, .txt, each also as .gz or in a .zip, and .parquet can be read. Convert the file, or rename it");
    }
}
