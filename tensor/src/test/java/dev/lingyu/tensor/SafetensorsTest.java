package dev.lingyu.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
    @TempDir
    Path directory;

    @Test
    void whatIsWrittenIsReadBackWithTypesShapesAndMetadata() throws IOException {
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("a", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
            tensors.put("b.中文", Tensor.of(new float[] {1.5f, -2}, 2).to(DType.BF16));
            tensors.put("ids", Tensor.of(new long[] {7, 8}, 2));
            tensors.put("none", Tensor.zeros(DType.F32, 0, 4));
            tensors.put("scalar", Tensor.of(new float[] {3}, 1).squeeze(0));
            Path file = directory.resolve("x.safetensors");
            SafetensorsWriter.write(file, tensors, Map.of("format", "pt"));
            try (SafetensorsFile read = SafetensorsFile.open(file)) {
                assertThat(read.names()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
                assertThat(read.metadata()).containsEntry("format", "pt");
                assertThat(read.tensor("a").toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
                assertThat(read.shape("a")).containsExactly(2, 3);
                assertThat(read.dtype("b.中文")).isEqualTo(DType.BF16);
                assertThat(read.tensor("b.中文").toFloats()).containsExactly(1.5f, -2);
                assertThat(read.tensor("ids").toLongs()).containsExactly(7, 8);
                assertThat(read.tensor("none").shape()).containsExactly(0, 4);
                assertThat(read.tensor("scalar").item()).isEqualTo(3);
            }
            assertThat(Files.list(directory)).containsExactly(file);
        }
    }

    @Test
    void aViewOutlivesTheTensorAndTheFileObjectItCameFrom() throws IOException {
        try (Scope scope = Scope.open()) {
            Path file = directory.resolve("x.safetensors");
            SafetensorsWriter.write(file, Map.of("a", Tensor.of(new float[] {1, 2}, 2)), Map.of());
            Tensor tensor;
            try (SafetensorsFile read = SafetensorsFile.open(file)) {
                tensor = read.tensor("a");
            }
            Tensor view = tensor.narrow(0, 0, 2).to(DType.F32).contiguous();
            tensor.close();
            // Unmapped memory would end the process here.
            for (int i = 0; i < 5; i++) {
                System.gc();
            }
            assertThat(view.toFloats()).containsExactly(1, 2);
        }
    }

    @Test
    void shardsAreReadThroughTheirIndex() throws IOException {
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (int i = 0; i < 5; i++) {
                tensors.put("t" + i, Tensor.full(DType.F32, Device.CPU, i, 10));
            }
            List<Path> files = SafetensorsWriter.writeSharded(directory, tensors, 80);
            assertThat(files).hasSize(4);
            try (SafetensorsDirectory read = SafetensorsDirectory.open(directory)) {
                assertThat(read.names()).containsExactlyElementsOf(tensors.keySet());
                assertThat(read.tensor("t4").toFloats()).containsOnly(4);
            }
            Files.delete(directory.resolve("model-00002-of-00003.safetensors"));
            assertThatThrownBy(() -> SafetensorsDirectory.open(directory)).hasMessageContaining("model-00002-of-00003");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}                                                   | 8  | needs 8 bytes
            {"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}                                                   | 8  | F99
            {"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}                                                  | 8  | whole number
            {"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}                               | 8  | impossible shape
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}                                                   | 6  | cut off
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}                                                   | 12 | behind the last tensor
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}} | 12 | overlap
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}                                                  | 12 | belong to no tensor
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  | 8  | not valid JSON
            {"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}                                                 | 8  | whole number
            {"a":{"dtype":"F32","shape":[2]}}                                                                        | 8  | data_offsets
            ["a"]                                                                                                    | 0  | not a JSON object
            """)
    void aHeaderThatLiesIsRefusedWithASentence(String header, int dataBytes, String reason) throws IOException {
        Path file = directory.resolve("lie.safetensors");
        Files.write(file, bytes(header.getBytes(StandardCharsets.UTF_8), dataBytes));
        assertThatThrownBy(() -> SafetensorsFile.open(file))
                .isInstanceOf(TensorException.class)
                .hasMessageContaining("lie.safetensors")
                .hasMessageContaining(reason);
    }

    @Test
    void impossibleHeaderLengthsAreRefused() throws IOException {
        Path file = directory.resolve("x.safetensors");
        for (long length : new long[] {-1, 0, Long.MAX_VALUE, 1000}) {
            Files.write(
                    file,
                    ByteBuffer.allocate(16)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(length)
                            .array());
            assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(TensorException.class);
        }
        Files.write(file, new byte[3]);
        assertThatThrownBy(() -> SafetensorsFile.open(file)).hasMessageContaining("cut off");
    }

    @Test
    void anUnalignedTensorIsCopiedAndRight() throws IOException {
        byte[] json =
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}".getBytes(StandardCharsets.UTF_8);
        assertThat(json.length % 4).isNotZero();
        byte[] file = bytes(json, 4);
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putFloat(file.length - 4, 2.5f);
        Files.write(directory.resolve("odd.safetensors"), file);
        try (Scope scope = Scope.open()) {
            assertThat(SafetensorsFile.open(directory.resolve("odd.safetensors"))
                            .tensor("a")
                            .item())
                    .isEqualTo(2.5);
        }
    }

    @Property(tries = 2000)
    void mangledFilesNeverDoMoreThanThrowATensorException(@ForAll long seed) throws IOException {
        java.util.Random random = new java.util.Random(seed);
        byte[] header =
                ("{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
                                + "\"b\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[16,24]}}")
                        .getBytes(StandardCharsets.UTF_8);
        byte[] file = bytes(header, 24);
        for (int i = random.nextInt(8); i >= 0; i--) {
            file[random.nextInt(file.length)] = (byte) random.nextInt();
        }
        byte[] cut = random.nextInt(4) == 0 ? java.util.Arrays.copyOf(file, random.nextInt(file.length)) : file;
        Path path = Files.createTempFile("fuzz", ".safetensors");
        try (Scope scope = Scope.open()) {
            Files.write(path, cut);
            SafetensorsFile read = SafetensorsFile.open(path);
            read.names().forEach(name -> read.tensor(name).sumAsDouble());
            Statistics.label("safetensors files").collect("read");
        } catch (TensorException expected) {
            Statistics.label("safetensors files").collect("refused");
            assertThat(expected.getMessage()).contains(path.getFileName().toString());
        } finally {
            Files.delete(path);
        }
    }

    @Test
    void filesBeyondTwoGigabytesAreMappedWhole() throws IOException {
        Path file = directory.resolve("big.safetensors");
        long count = (1L << 31) + 8;
        byte[] json = ("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + count + "],\"data_offsets\":[0," + count + "]}}")
                .getBytes(StandardCharsets.UTF_8);
        // A sparse file: no disk is used for its zeros.
        try (java.io.RandomAccessFile sparse = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            byte[] head = bytes(json, 0);
            sparse.write(head);
            sparse.setLength(head.length + count);
            sparse.seek(head.length + count - 1);
            sparse.write(9);
        }
        try (Scope scope = Scope.open()) {
            Tensor tensor = SafetensorsFile.open(file).tensor("a");
            assertThat(tensor.narrow(0, count - 1, 1).toLongs()).containsExactly(9);
        }
    }

    @Test
    void aFailedWriteLeavesTheOldFileAndNoTemporaryOne() throws IOException {
        Path file = directory.resolve("x.safetensors");
        try (Scope scope = Scope.open()) {
            SafetensorsWriter.write(file, Map.of("a", Tensor.of(new float[] {1}, 1)), Map.of());
            Tensor closed = Tensor.of(new float[] {2}, 1);
            Tensor good = Tensor.of(new float[] {2}, 1);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("a", good);
            tensors.put("b", closed);
            closed.close();
            assertThatThrownBy(() -> SafetensorsWriter.write(file, tensors, Map.of()))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(SafetensorsFile.open(file).tensor("a").item()).isEqualTo(1);
            try (Stream<Path> files = Files.list(directory)) {
                assertThat(files).containsExactly(file);
            }
        }
    }

    private static byte[] bytes(byte[] header, int dataBytes) {
        return ByteBuffer.allocate(8 + header.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
    }
}
