package dev.lingyu.model.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.TensorException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Files of `torch.save`, sound, damaged and malicious. `interop/make-pickle-fixtures.py` wrote the fixtures.
class TorchFileTest {
    @TempDir
    Path directory;

    static Path fixture(String name) {
        try {
            return Path.of(Objects.requireNonNull(TorchFileTest.class.getResource("/pickle/" + name), name)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /// The value of element j of tensor i that the script writes.
    static float[] values(int i, int count) {
        float[] values = new float[count];
        for (int j = 0; j < count; j++) {
            values[j] = ((7 * j + 13 * i) % 32 - 16) / 16f;
        }
        return values;
    }

    @Test
    void everyKindOfTensorComesBackWithItsTypeShapeAndValues() {
        try (Scope scope = Scope.open()) {
            TorchFile file = TorchFile.open(fixture("plain.bin"));
            assertThat(file.names())
                    .containsExactly(
                            "f32",
                            "bf16",
                            "f16",
                            "f64",
                            "i64",
                            "bool",
                            "parameter",
                            "transposed",
                            "slice",
                            "scalar",
                            "empty",
                            "tied");
            check(file.tensor("f32"), DType.F32, values(0, 6), 2, 3);
            check(file.tensor("bf16"), DType.BF16, values(1, 4), 4);
            check(file.tensor("f16"), DType.F16, values(2, 6), 3, 2);
            check(file.tensor("f64"), DType.F64, values(3, 5), 5);
            check(file.tensor("i64"), DType.I64, new float[] {1, -2, 3}, 3);
            check(file.tensor("bool"), DType.BOOL, new float[] {1, 0}, 2);
            check(file.tensor("parameter"), DType.F32, values(6, 4), 2, 2);
            float[] v = values(7, 6);
            check(file.tensor("transposed"), DType.F32, new float[] {v[0], v[3], v[1], v[4], v[2], v[5]}, 3, 2);
            check(file.tensor("slice"), DType.F32, java.util.Arrays.copyOfRange(values(8, 12), 4, 8), 2, 2);
            check(file.tensor("scalar"), DType.F32, values(9, 1));
            check(file.tensor("empty"), DType.F32, new float[0], 0, 4);
            assertThat(file.tensor("tied").address())
                    .isEqualTo(file.tensor("f32").address());
        }
    }

    private static void check(Tensor tensor, DType dtype, float[] values, long... shape) {
        assertThat(tensor.dtype()).isEqualTo(dtype);
        assertThat(tensor.shape()).isEqualTo(shape);
        assertThat(tensor.toFloats()).isEqualTo(values);
        assertThat(tensor.isContiguous()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "os-system|\"posix.system\"",
                "os-system-protocol-4|\"posix.system\"",
                "eval|\"__builtin__.eval\"",
                "in-metadata|\"posix.system\"",
                "getattr|\"__builtin__.getattr\"",
                "torch-load|\"torch.serialization.load\"",
                "instance|opcode 0x53",
                "object|\"os.system\"",
                "extension|opcode 0x82"
            })
    void aPickleThatWantsToRunSomethingIsRefusedByNameAndRunsNothing(String name, String named) {
        Path file = fixture("malicious-" + name + ".bin");
        assertThatThrownBy(() -> TorchFile.open(file))
                .isInstanceOf(TensorException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(named);
        assertThat(Path.of("PWNED")).doesNotExist();
    }

    @Test
    void aStorageTooSmallForItsTensorIsRefused() throws IOException {
        String tensor =
                "ctorch._utils\n_rebuild_tensor_v2\n((X\u0007\0\0\0storagectorch\nFloatStorage\n" + "X\u0001\0\0\0"
                        + "0X\u0003\0\0\0cpuK%ctQK\0K\u0004\u0085K\u0001\u0085\u0089ccollections\nOrderedDict\n)RtR";
        String pickle = "\u0080\u0002}X\u0001\0\0\0w" + tensor + "s.";
        Path sound = zip("sound.bin", pickle.replace("%c", "\u0004"), new byte[16]);
        assertThat(TorchFile.open(sound).names()).containsExactly("w");

        Path shortStorage = zip("short.bin", pickle.replace("%c", "\u0004"), new byte[12]);
        assertThatThrownBy(() -> TorchFile.open(shortStorage))
                .isInstanceOf(TensorException.class)
                .hasMessageContaining("\"w\" has 12 bytes, too few for 4 elements");
        Path shortCount = zip("count.bin", pickle.replace("%c", "\u0003"), new byte[16]);
        assertThatThrownBy(() -> TorchFile.open(shortCount))
                .isInstanceOf(TensorException.class)
                .hasMessageContaining("does not lie within its storage of 3 elements");
    }

    @Test
    void dictionariesThatHoldThemselvesEndInASentence() throws IOException {
        String pickle = "\u0080\u0002}q\0(X\u0001\0\0\0ah\0X\u0001\0\0\0bh\0u.";
        Path file = zip("loop.bin", pickle, new byte[0]);
        assertThatThrownBy(() -> TorchFile.open(file))
                .isInstanceOf(TensorException.class)
                .hasMessageContaining("no tensors by name");
    }

    @Test
    void aFileOfAnOlderPyTorchIsExplained() throws IOException {
        Path file = Files.write(directory.resolve("old.bin"), new byte[] {(byte) 0x80, 2, (byte) 0x8a, 10, 0x6c});
        assertThatThrownBy(() -> TorchFile.open(file))
                .isInstanceOf(TensorException.class)
                .hasMessageContaining("PyTorch 1.6");
    }

    private Path zip(String name, String pickle, byte[] storage) throws IOException {
        Path file = directory.resolve(name);
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            put(zip, "archive/data.pkl", pickle.getBytes(StandardCharsets.ISO_8859_1));
            put(zip, "archive/data/0", storage);
        }
        return file;
    }

    private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }

    @Property(tries = 1500)
    void aChangedByteGivesTensorsOrASentenceNothingElse(
            @ForAll @IntRange(min = 0, max = 1 << 20) int at, @ForAll byte value) throws IOException {
        byte[] bytes = Files.readAllBytes(fixture("plain.bin"));
        bytes[at % bytes.length] = value;
        readsOrRefuses(bytes);
    }

    @Property(tries = 200)
    void aCutFileIsRefused(@ForAll @IntRange(min = 0, max = 1 << 20) int length) throws IOException {
        byte[] bytes = Files.readAllBytes(fixture("plain.bin"));
        readsOrRefuses(java.util.Arrays.copyOf(bytes, length % bytes.length));
    }

    @Property(tries = 2000)
    void anyBytesAsAPickleGiveDataOrASentence(@ForAll @Size(max = 64) byte[] pickle) {
        try {
            Pickle.read(java.nio.ByteBuffer.wrap(pickle));
            Statistics.label("pickles").collect("read");
        } catch (TensorException e) {
            Statistics.label("pickles").collect("refused");
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    private static void readsOrRefuses(byte[] bytes) throws IOException {
        Path file = Files.createTempFile("fuzz", ".bin");
        try (Scope scope = Scope.open()) {
            Files.write(file, bytes);
            TorchFile torch = TorchFile.open(file);
            for (String name : torch.names()) {
                torch.tensor(name).toFloats();
            }
            Statistics.label("torch files").collect("read");
        } catch (TensorException e) {
            Statistics.label("torch files").collect("refused");
            assertThat(e.getMessage()).contains(file.toString());
        } finally {
            Files.delete(file);
        }
    }
}
