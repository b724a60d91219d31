package dev.lingyu.tensor.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.TensorException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufTest {
    private static final Path GOLDEN = Path.of(System.getProperty("lingyu.shared", "../shared"), "golden/gguf");

    @TempDir
    Path directory;

    @ParameterizedTest
    @EnumSource(GgufType.class)
    void everyTypeUnpacksToTheBitsOfTheReference(GgufType type) {
        assumeTrue(Files.isDirectory(GOLDEN), "no " + GOLDEN);
        String name = "t." + type.name().toLowerCase(java.util.Locale.ROOT);
        GgufFile file = GgufFile.open(GOLDEN.resolve("quants.gguf"));
        try (Scope scope = Scope.open();
                SafetensorsFile expected = SafetensorsFile.open(GOLDEN.resolve("expected.safetensors"))) {
            assertThat(file.info(name).type()).isEqualTo(type);
            Tensor values = file.tensor(name, DType.F32);
            assertThat(values.shape()).containsExactly(3, 512);
            assertThat(values.bytes().mismatch(expected.tensor(name).bytes())).isEqualTo(-1);
            // To 16 bits as libtorch rounds, NaN and infinities included.
            for (DType dtype : List.of(DType.BF16, DType.F16)) {
                assertThat(file.tensor(name, dtype)
                                .bytes()
                                .mismatch(expected.tensor(name).to(dtype).bytes()))
                        .as("%s", dtype)
                        .isEqualTo(-1);
            }
            Tensor turned = file.tensor(name, DType.F32, row -> 2 - row);
            assertThat(turned.select(0, 0).contiguous().toFloats())
                    .containsExactly(values.select(0, 2).contiguous().toFloats());
            Tensor blocks = file.blocks(name, row -> 2 - row);
            assertThat(blocks.bytes().asSlice(0, blocks.size(1)))
                    .matches(first -> first.mismatch(file.bytes(name).asSlice(2 * blocks.size(1))) == -1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"smollm2-135m-instruct.gguf", "qwen2.5-coder-0.5b-instruct.gguf"})
    void everyTensorOfARealFileUnpacksToTheBitsOfTheReference(String name) throws Exception {
        Path real =
                Path.of(System.getProperty("lingyu.realModels", "/tmp/models")).resolve(name);
        assumeTrue(Files.isDirectory(GOLDEN), "no " + GOLDEN);
        assumeTrue(Files.isRegularFile(real), "no " + real);
        GgufFile file = GgufFile.open(real);
        JsonNode facts = new ObjectMapper()
                .readTree(Files.readAllBytes(GOLDEN.resolve("facts.json")))
                .path("real")
                .path(name);
        assertThat(facts.size()).isGreaterThan(40);
        for (Map.Entry<String, JsonNode> fact : facts.properties()) {
            try (Tensor values = file.tensor(fact.getKey(), DType.F32)) {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                digest.update(values.bytes().asByteBuffer());
                assertThat(HexFormat.of().formatHex(digest.digest()))
                        .as(fact.getKey())
                        .isEqualTo(fact.getValue().path("sha256_f32").asText());
            }
        }
    }

    @Test
    void metadataOfEveryKindIsWrittenAndReadBack() throws IOException {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("text", GgufValue.of("量化 😀"));
        metadata.put("flag", GgufValue.of(true));
        metadata.put("real", GgufValue.of(1.5f));
        metadata.put("double", new GgufValue.Real(GgufValue.Kind.F64, 1e-300));
        for (GgufValue.Kind kind :
                List.of(GgufValue.Kind.U8, GgufValue.Kind.U16, GgufValue.Kind.U32, GgufValue.Kind.U64)) {
            metadata.put("k" + kind, new GgufValue.Whole(kind, 200));
        }
        for (GgufValue.Kind kind :
                List.of(GgufValue.Kind.I8, GgufValue.Kind.I16, GgufValue.Kind.I32, GgufValue.Kind.I64)) {
            metadata.put("k" + kind, new GgufValue.Whole(kind, -100));
        }
        metadata.put("texts", new GgufValue.Texts(List.of("a", "", "中")));
        metadata.put("ints", GgufValue.Numbers.of(new int[] {1, -2}));
        metadata.put("floats", GgufValue.Numbers.of(new float[] {0.5f}));
        metadata.put("lists", new GgufValue.Lists(List.of(new GgufValue.Texts(List.of("x")))));
        Path path = directory.resolve("m.gguf");
        GgufWriter.write(path, metadata, List.of());
        GgufMetadata read = GgufFile.open(path).metadata();
        assertThat(read.keys()).containsExactlyElementsOf(metadata.keySet());
        for (String key : List.of("text", "flag", "real", "double", "kU8", "kU64", "kI8", "kI64", "texts", "lists")) {
            assertThat(read.value(key)).as(key).contains(metadata.get(key));
        }
        assertThat(read.numbers("ints").orElseThrow().whole(1)).isEqualTo(-2);
        assertThat(read.numbers("floats").orElseThrow().real(0)).isEqualTo(0.5);
        assertThat(read.text("absent")).isEmpty();
        assertThatThrownBy(() -> read.text("ints"))
                .isInstanceOf(TensorException.class)
                .hasMessageContaining("m.gguf")
                .hasMessageContaining("\"ints\": expected a text, found LIST");
    }

    @Test
    void tensorsAreWrittenAndReadBack() throws IOException {
        try (Scope scope = Scope.open()) {
            float[] random = random(3 * 64);
            Tensor values = Tensor.of(random, 3, 64);
            Path path = directory.resolve("t.gguf");
            List<GgufWriter.Entry> entries = List.of(
                    new GgufWriter.Entry("odd", GgufType.F32, new long[] {1}, () -> Tensor.of(new float[] {7}, 1)),
                    new GgufWriter.Entry("f32", GgufType.F32, new long[] {3, 64}, () -> values),
                    new GgufWriter.Entry("bf16", GgufType.BF16, new long[] {3, 64}, () -> values),
                    new GgufWriter.Entry("q8", GgufType.Q8_0, new long[] {3, 64}, () -> values),
                    new GgufWriter.Entry("q4", GgufType.Q4_0, new long[] {3, 64}, () -> values));
            GgufWriter.write(path, Map.of(), entries);
            GgufFile file = GgufFile.open(path);
            assertThat(file.tensors().keySet()).containsExactly("odd", "f32", "bf16", "q8", "q4");
            assertThat(file.tensor("odd", DType.F32).item()).isEqualTo(7);
            assertThat(file.tensor("f32", DType.F32).toFloats()).containsExactly(random);
            assertThat(file.tensor("bf16", DType.F32).toFloats())
                    .containsExactly(values.to(DType.BF16).to(DType.F32).toFloats());
            assertThat(largestError(file.tensor("q8", DType.F32), random)).isBetween(1e-4, 4.0 / 127 / 2 + 4e-3);
            assertThat(largestError(file.tensor("q4", DType.F32), random)).isBetween(1e-2, 4.0 / 8 + 0.01);
            assertThat(Files.list(directory)).containsExactly(path);
        }
    }

    @Test
    void roundingTheReferencesUnpackedBlocksGivesItsBytesAgain() throws IOException {
        assumeTrue(Files.isDirectory(GOLDEN), "no " + GOLDEN);
        GgufFile golden = GgufFile.open(GOLDEN.resolve("quants.gguf"));
        try (Scope scope = Scope.open()) {
            Tensor bytes = golden.tensor("t.q8_0", DType.F32);
            Tensor nibbles = golden.tensor("t.q4_0", DType.F32);
            Path path = directory.resolve("q.gguf");
            GgufWriter.write(
                    path,
                    Map.of(),
                    List.of(
                            new GgufWriter.Entry("t.q8_0", GgufType.Q8_0, new long[] {3, 512}, () -> bytes),
                            new GgufWriter.Entry("t.q4_0", GgufType.Q4_0, new long[] {3, 512}, () -> nibbles)));
            GgufFile written = GgufFile.open(path);
            assertThat(written.bytes("t.q8_0").mismatch(golden.bytes("t.q8_0"))).isEqualTo(-1);
            assertThat(written.bytes("t.q4_0").mismatch(golden.bytes("t.q4_0"))).isEqualTo(-1);
        }
    }

    /// Offsets in [#sound]: tensors 8, entries 16, then "general.alignment".
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            4   | 1                    | 4 | version 1
            4   | 50331648             | 4 | big-endian
            8   | -1                   | 8 | 18446744073709551615 tensors
            8   | 1000                 | 8 | promises 1000 tensors
            16  | 9223372036854775807  | 8 | metadata entries
            24  | 65536                | 8 | 65536 bytes long, at most 65535
            24  | -5                   | 8 | a metadata key
            49  | 13                   | 4 | is of kind 13
            53  | 48                   | 4 | power of two
            57  | 65                   | 8 | 65 bytes long, at most 64
            66  | 5                    | 4 | 5 dimensions
            70  | 0                    | 8 | 0 in its shape
            70  | 33                   | 8 | blocks of 32 (Q8_0)
            70  | 4611686018427387904  | 8 | more values than there are numbers
            70  | 128                  | 8 | is cut off
            78  | 9223372036854775807  | 8 | more
            86  | 39                   | 4 | type MXFP4, which this program can't read
            86  | 77                   | 4 | number 77
            90  | 32                   | 8 | begin at byte 32
            90  | -32                  | 8 | begin at byte
            """)
    void aFileThatLiesIsRefusedWithASentence(int at, long value, int bytes, String reason) throws IOException {
        byte[] file = sound();
        ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes == 4) {
            buffer.putInt(at, (int) value);
        } else {
            buffer.putLong(at, value);
        }
        Path path = directory.resolve("lie.gguf");
        Files.write(path, file);
        assertThatThrownBy(() -> GgufFile.open(path))
                .isInstanceOf(TensorException.class)
                .hasMessageContaining("lie.gguf")
                .hasMessageContaining(reason);
    }

    @Test
    void namesThatAreThereTwiceAndBytesBehindTheEndAreRefused() throws IOException {
        Path path = directory.resolve("x.gguf");
        try (Scope scope = Scope.open()) {
            GgufWriter.Entry entry =
                    new GgufWriter.Entry("a", GgufType.F32, new long[] {8}, () -> Tensor.zeros(DType.F32, 8));
            GgufWriter.write(path, Map.of(), List.of(entry, entry));
            assertThatThrownBy(() -> GgufFile.open(path)).hasMessageContaining("\"a\" is there twice");
        }
        // Its last 28 bytes are padding, which a file may lack.
        byte[] sound = sound();
        Files.write(path, java.util.Arrays.copyOf(sound, sound.length + 100));
        assertThatThrownBy(() -> GgufFile.open(path)).hasMessageContaining("100 bytes behind the last tensor");
        for (int length = 0; length < sound.length - 28; length++) {
            Files.write(path, java.util.Arrays.copyOf(sound, length));
            assertThatThrownBy(() -> GgufFile.open(path)).as("%d bytes", length).isInstanceOf(TensorException.class);
        }
    }

    @Property(tries = 2000)
    void mangledFilesNeverDoMoreThanThrowATensorException(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        byte[] file = sound();
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            // The header is where lies live.
            int at = 4 + random.nextInt(96);
            switch (random.nextInt(3)) {
                case 0 -> file[at] = (byte) random.nextInt();
                case 1 -> file[at] ^= (byte) (1 << random.nextInt(8));
                default ->
                    ByteBuffer.wrap(file)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(at, random.nextBoolean() ? random.nextLong() : random.nextInt(300) - 20);
            }
        }
        if (random.nextInt(4) == 0) {
            file = java.util.Arrays.copyOf(file, random.nextInt(file.length));
        }
        Path path = Files.createTempFile("mangled", ".gguf");
        try (Scope scope = Scope.open()) {
            Files.write(path, file);
            GgufFile read = GgufFile.open(path);
            for (String name : read.tensors().keySet()) {
                read.tensor(name, DType.BF16);
                read.tensor(name, DType.F32);
            }
            Statistics.label("result").collect("read");
        } catch (TensorException e) {
            assertThat(e.getMessage()).contains(path.toString()).endsWith(".");
            Statistics.label("result").collect("refused");
        } finally {
            Files.delete(path);
        }
    }

    /// A file with one metadata entry, and one tensor of two rows of Q8_0 blocks.
    private static byte[] sound() throws IOException {
        Path path = Files.createTempFile("sound", ".gguf");
        try (Scope scope = Scope.open()) {
            GgufWriter.write(
                    path,
                    Map.of("general.alignment", GgufValue.of(32)),
                    List.of(new GgufWriter.Entry(
                            "t", GgufType.Q8_0, new long[] {2, 32}, () -> Tensor.of(random(64), 2, 32))));
            return Files.readAllBytes(path);
        } finally {
            Files.deleteIfExists(path);
        }
    }

    private static float[] random(int count) {
        Random random = new Random(5);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static double largestError(Tensor found, float[] expected) {
        MemorySegment floats = found.bytes();
        double largest = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(floats.getAtIndex(ValueLayout.JAVA_FLOAT, i) - expected[i]));
        }
        return largest;
    }
}
