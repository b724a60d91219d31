package dev.lingyu.dataset;

import java.io.BufferedOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;

/// A file that appears whole or not at all: written beside its place, forced to disk, then renamed.
public final class AtomicFile implements AutoCloseable {
    private final Path target;
    private final Path temporary;
    private final FileChannel file;
    private final OutputStream out;
    private boolean committed;

    private AtomicFile(Path target, Path temporary, FileChannel file) {
        this.target = target;
        this.temporary = temporary;
        this.file = file;
        this.out = new BufferedOutputStream(Channels.newOutputStream(file), 1 << 16);
    }

    /// Begins a file; missing folders are made.
    public static AtomicFile create(Path target) throws IOException {
        Path whole = target.toAbsolutePath();
        Path folder = whole.getParent();
        if (folder == null) {
            throw new IOException("a file needs a folder to be in");
        }
        Files.createDirectories(folder);
        // Not Files.createTempFile: its files are the owner's alone, where a page is for whom the umask allows.
        String random = Long.toHexString(ThreadLocalRandom.current().nextLong());
        Path temporary = folder.resolve("." + whole.getFileName() + "." + random + ".tmp");
        FileChannel file = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        return new AtomicFile(whole, temporary, file);
    }

    /// Writes a file as a whole.
    public static void write(Path target, byte[] content) throws IOException {
        try (AtomicFile file = create(target)) {
            file.stream().write(content);
            file.commit();
        }
    }

    /// Writes a text in UTF-8.
    public static void write(Path target, String content) throws IOException {
        write(target, content.getBytes(StandardCharsets.UTF_8));
    }

    /// Where to write. Not to be closed by the caller.
    public OutputStream stream() {
        return out;
    }

    /// Puts the file in its place, over one that may be there.
    public void commit() throws IOException {
        out.flush();
        file.force(true);
        out.close();
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        committed = true;
        forceFolder();
    }

    /// The rename itself has to reach the disk too. Windows can't open folders, and does this by itself.
    private void forceFolder() throws IOException {
        if (File.separatorChar == '\\') {
            return;
        }
        try (FileChannel folder = FileChannel.open(target.resolveSibling("."), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }

    /// Without a commit before, nothing is left behind.
    @Override
    public void close() throws IOException {
        if (!committed) {
            file.close();
            Files.deleteIfExists(temporary);
        }
    }
}
