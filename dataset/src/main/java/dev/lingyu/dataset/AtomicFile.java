package dev.lingyu.dataset;

import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// A file that appears whole or not at all: written beside its place, forced to disk, then renamed.
public final class AtomicFile implements AutoCloseable {
    private final Path target;
    private final Path temporary;
    private final FileOutputStream file;
    private final OutputStream out;
    private boolean committed;

    private AtomicFile(Path target, Path temporary, FileOutputStream file) {
        this.target = target;
        this.temporary = temporary;
        this.file = file;
        this.out = new BufferedOutputStream(file, 1 << 16);
    }

    /// Begins a file; missing folders are made.
    public static AtomicFile create(Path target) throws IOException {
        Path whole = target.toAbsolutePath();
        Path folder = whole.getParent();
        if (folder == null) {
            throw new IOException("a file needs a folder to be in");
        }
        Files.createDirectories(folder);
        Path temporary = Files.createTempFile(folder, "." + whole.getFileName(), ".tmp");
        return new AtomicFile(whole, temporary, new FileOutputStream(temporary.toFile()));
    }

    /// Where to write. Not to be closed by the caller.
    public OutputStream stream() {
        return out;
    }

    /// Puts the file in its place, over one that may be there.
    public void commit() throws IOException {
        out.flush();
        file.getChannel().force(true);
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
