package dev.lingyu.dataset;

import dev.hardwood.InputFile;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/// A Parquet file that is read, not mapped: somebody who overwrites a mapped file kills this process.
final class ChannelFile implements InputFile {
    private final Path path;
    private Optional<FileChannel> channel = Optional.empty();

    ChannelFile(Path path) {
        this.path = path;
    }

    @Override
    public synchronized void open() throws IOException {
        if (channel.isEmpty()) {
            channel = Optional.of(FileChannel.open(path, StandardOpenOption.READ));
        }
    }

    private synchronized FileChannel opened() throws IOException {
        return channel.orElseThrow(() -> new IOException("the file is not open"));
    }

    @Override
    public ByteBuffer readRange(long offset, int length) throws IOException {
        FileChannel file = opened();
        if (offset < 0 || length < 0 || offset + length > file.size()) {
            throw new EOFException("it points behind its own end");
        }
        ByteBuffer bytes = ByteBuffer.allocateDirect(length);
        while (bytes.hasRemaining()) {
            if (file.read(bytes, offset + bytes.position()) < 0) {
                throw new EOFException("it became shorter while it was read");
            }
        }
        return bytes.flip();
    }

    @Override
    public long length() throws IOException {
        return opened().size();
    }

    @Override
    public String name() {
        return path.toString();
    }

    @Override
    public synchronized void close() throws IOException {
        if (channel.isPresent()) {
            channel.get().close();
        }
    }
}
