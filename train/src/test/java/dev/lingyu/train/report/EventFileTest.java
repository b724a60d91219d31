package dev.lingyu.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Reads event files back as TensorBoard does: frames with checksums, then protocol buffers.
class EventFileTest {
    @TempDir
    Path directory;

    /// The data of all frames, every checksum compared.
    static List<byte[]> frames(Path file) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<byte[]> frames = new ArrayList<>();
        while (in.hasRemaining()) {
            byte[] length = new byte[8];
            in.get(length);
            assertThat(in.getInt()).as("checksum of a length").isEqualTo(masked(length));
            byte[] data = new byte
                    [(int) ByteBuffer.wrap(length)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .getLong()];
            in.get(data);
            assertThat(in.getInt()).as("checksum of data").isEqualTo(masked(data));
            frames.add(data);
        }
        return frames;
    }

    private static int masked(byte[] data) {
        CRC32C crc = new CRC32C();
        crc.update(data);
        int value = (int) crc.getValue();
        return ((value >>> 15) | (value << 17)) + 0xa282ead8;
    }

    @Test
    void scalarsAreReadBackWithStepsTagsAndValues() throws IOException {
        try (EventFile events = EventFile.create(directory, 1.5e9)) {
            events.scalar(1.5e9, 7, "train/loss", 2.25);
            events.scalar(1.5e9, 300, "评估/loss", -1);
        }
        Path file = directory.resolve("events.out.tfevents.1500000000.lingyu");
        List<byte[]> frames = frames(file);
        assertThat(frames).hasSize(3);
        assertThat(new String(frames.getFirst(), StandardCharsets.ISO_8859_1)).contains("brain.Event:2");
        ByteBuffer event = ByteBuffer.wrap(frames.get(1)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(event.get()).as("wall time's key").isEqualTo((byte) (1 << 3 | 1));
        assertThat(event.getDouble()).isEqualTo(1.5e9);
        assertThat(event.get()).as("step's key").isEqualTo((byte) (2 << 3));
        assertThat(event.get()).isEqualTo((byte) 7);
        assertThat(event.get()).as("summary's key").isEqualTo((byte) (5 << 3 | 2));
        assertThat((int) event.get()).as("summary's length").isEqualTo(event.remaining());
        assertThat(event.get()).as("value's key").isEqualTo((byte) (1 << 3 | 2));
        assertThat((int) event.get()).isEqualTo(event.remaining());
        assertThat(event.get()).as("tag's key").isEqualTo((byte) (1 << 3 | 2));
        byte[] tag = new byte[event.get()];
        event.get(tag);
        assertThat(new String(tag, StandardCharsets.UTF_8)).isEqualTo("train/loss");
        assertThat(event.get()).as("number's key").isEqualTo((byte) (2 << 3 | 5));
        assertThat(event.getFloat()).isEqualTo(2.25f);
        assertThat(event.hasRemaining()).isFalse();
        // Step 300 takes two bytes: 1010_1100 0000_0010.
        assertThat(frames.get(2)).containsSequence((byte) (2 << 3), (byte) 0xAC, (byte) 0x02);
    }
}
