package dev.lingyu.train.report;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// A TensorBoard event file: records of scalars, in TensorFlow's framing.
///
/// A record is `length (u64) · masked CRC-32C of the length · data · masked CRC-32C of the data`,
/// little-endian. The data is an `Event` message of protocol buffers: wall time (1), step (2), and a file
/// version (3) or a summary (5) of values with a tag (1) and a number (2).
public final class EventFile implements AutoCloseable {
    private static final int MASK_DELTA = 0xa282ead8;
    private static final String PREFIX = "events.out.tfevents.";
    private static final String SUFFIX = ".lingyu";

    private final OutputStream out;

    private EventFile(OutputStream out) {
        this.out = out;
    }

    /// Removes the event files that this class made in a directory.
    public static void removeAll(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            for (Path file : entries.toList()) {
                String name = file.getFileName().toString();
                if (name.startsWith(PREFIX) && name.endsWith(SUFFIX)) {
                    Files.delete(file);
                }
            }
        }
    }

    /// Begins a file that TensorBoard finds in a run's directory.
    ///
    /// @param time seconds since 1970, part of the name
    public static EventFile create(Path directory, double time) throws IOException {
        Path file = directory.resolve(PREFIX + (long) time + SUFFIX);
        EventFile events = new EventFile(Files.newOutputStream(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE));
        Message version = new Message().fixed64(1, Double.doubleToLongBits(time));
        events.record(version.bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8)));
        return events;
    }

    /// Adds a scalar.
    ///
    /// @param time seconds since 1970
    public void scalar(double time, long step, String tag, double value) throws IOException {
        Message one = new Message()
                .bytes(1, tag.getBytes(StandardCharsets.UTF_8))
                .fixed32(2, Float.floatToIntBits((float) value));
        Message summary = new Message().bytes(1, one.toBytes());
        record(new Message()
                .fixed64(1, Double.doubleToLongBits(time))
                .varint(2, step)
                .bytes(5, summary.toBytes()));
    }

    private void record(Message message) throws IOException {
        byte[] data = message.toBytes();
        byte[] length = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(data.length)
                .array();
        ByteBuffer framed = ByteBuffer.allocate(16 + data.length).order(ByteOrder.LITTLE_ENDIAN);
        framed.put(length).putInt(maskedCrc(length)).put(data).putInt(maskedCrc(data));
        out.write(framed.array());
        out.flush();
    }

    /// TensorFlow rotates a checksum and adds a constant, so that data which holds its own checksum is no
    /// trouble.
    private static int maskedCrc(byte[] data) {
        CRC32C crc = new CRC32C();
        crc.update(data);
        return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
    }

    @Override
    public void close() throws IOException {
        out.close();
    }

    /// A protocol-buffer message under construction.
    private static final class Message {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        private Message key(int field, int wire) {
            return raw(field << 3 | wire);
        }

        private Message raw(long number) {
            long rest = number;
            for (; (rest & ~0x7FL) != 0; rest >>>= 7) {
                out.write((int) (rest & 0x7F | 0x80));
            }
            out.write((int) rest);
            return this;
        }

        Message varint(int field, long value) {
            return key(field, 0).raw(value);
        }

        Message fixed64(int field, long bits) {
            key(field, 1);
            out.writeBytes(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(bits)
                    .array());
            return this;
        }

        Message fixed32(int field, int bits) {
            key(field, 5);
            out.writeBytes(ByteBuffer.allocate(4)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(bits)
                    .array());
            return this;
        }

        Message bytes(int field, byte[] value) {
            key(field, 2).raw(value.length);
            out.writeBytes(value);
            return this;
        }

        byte[] toBytes() {
            return out.toByteArray();
        }
    }
}
