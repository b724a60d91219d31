package dev.lingyu.cli.archive;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.zip.GZIPOutputStream;

/// Writes a gzipped tar archive (POSIX.1-1988 ustar headers, a POSIX.1-2001 `path` record for long names).
///
/// Owners are left out and modes are 0755 or 0644, so that an archive says nothing about who made it.
final class TarGz implements AutoCloseable {
    private static final int BLOCK = 512;
    private static final int EXECUTABLE = 0755;
    private static final int PLAIN = 0644;

    private final OutputStream out;

    /// An archive that is written to `target`, which is closed with it.
    TarGz(OutputStream target) throws IOException {
        out = new BufferedOutputStream(new GZIPOutputStream(target, 1 << 16), 1 << 16);
    }

    /// Adds the file or symbolic link `file` under `name`, a relative path with `/` between its parts; links
    /// are kept as links.
    void add(String name, Path file) throws IOException {
        long modified =
                Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toMillis() / 1000;
        if (Files.isSymbolicLink(file)) {
            header(name, PLAIN, 0, modified, '2', Files.readSymbolicLink(file).toString());
            return;
        }
        long size = Files.size(file);
        header(name, executable(file) ? EXECUTABLE : PLAIN, size, modified, '0', "");
        long copied = Files.copy(file, out);
        if (copied != size) {
            throw new IOException(file + " changed while it was archived (" + size + " bytes, then " + copied + ")");
        }
        pad(size);
    }

    private void header(String name, int mode, long size, long modified, char type, String target) throws IOException {
        byte[] path = name.getBytes(StandardCharsets.UTF_8);
        if (path.length > 100) {
            byte[] record = record("path", name);
            block("longname", PLAIN, record.length, modified, 'x', "");
            out.write(record);
            pad(record.length);
        }
        block(name, mode, size, modified, type, target);
    }

    private void block(String name, int mode, long size, long modified, char type, String target) throws IOException {
        byte[] block = new byte[BLOCK];
        put(block, 0, 100, name);
        number(block, 100, 8, mode);
        number(block, 108, 8, 0);
        number(block, 116, 8, 0);
        number(block, 124, 12, size);
        number(block, 136, 12, modified);
        put(block, 148, 8, "        ");
        block[156] = (byte) type;
        put(block, 157, 100, target);
        put(block, 257, 6, "ustar\0");
        put(block, 263, 2, "00");
        int sum = 0;
        for (byte b : block) {
            sum += b & 0xff;
        }
        put(block, 148, 8, String.format("%06o\0 ", sum));
        out.write(block);
    }

    private static void number(byte[] block, int at, int width, long value) {
        String octal = Long.toOctalString(value);
        if (octal.length() >= width) {
            throw new IllegalArgumentException("a file of " + value + " bytes does not fit a tar header (8 GiB)");
        }
        put(block, at, width, "0".repeat(width - 1 - octal.length()) + octal);
    }

    private static void put(byte[] block, int at, int width, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, block, at, Math.min(width, bytes.length));
    }

    /// `"LENGTH key=value\n"`, where LENGTH counts the whole record, itself included.
    private static byte[] record(String key, String value) {
        String rest = " " + key + "=" + value + "\n";
        int bytes = rest.getBytes(StandardCharsets.UTF_8).length;
        int length = bytes;
        while (length != bytes + Integer.toString(length).length()) {
            length = bytes + Integer.toString(length).length();
        }
        return (length + rest).getBytes(StandardCharsets.UTF_8);
    }

    private void pad(long size) throws IOException {
        out.write(new byte[(int) ((BLOCK - size % BLOCK) % BLOCK)]);
    }

    private static boolean executable(Path file) throws IOException {
        return file.getFileSystem().supportedFileAttributeViews().contains("posix")
                && Files.getPosixFilePermissions(file).contains(PosixFilePermission.OWNER_EXECUTE);
    }

    @Override
    public void close() throws IOException {
        try (out) {
            out.write(new byte[2 * BLOCK]);
        }
    }
}
