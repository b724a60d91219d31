package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Baichuan-13B's layout against llama.cpp (interop/make-baichuan-alibi-fixture.py), with as many heads as a power of
/// two and with the published number.
class BaichuanAlibiTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"4 heads", "40 heads"})
    void logitsAtEveryPositionAreThoseOfLlamaCpp(String name) throws IOException {
        JsonNode wanted = facts().path("cases").path(name);
        try (Scope scope = Scope.open();
                Decoder decoder = written(wanted)) {
            int[] row = ids(wanted.path("ids"));
            // A shorter neighbour: distances are each sequence's own.
            TokenBatch batch = TokenBatch.of(List.of(new int[] {9, 10, 11}, row));
            Tensor logits = decoder.logits(batch).narrow(0, 3, row.length);
            List<Float> expected = new ArrayList<>();
            wanted.path("logits").forEach(position -> position.forEach(v -> expected.add((float) v.asDouble())));
            float[] reference = new float[expected.size()];
            for (int i = 0; i < reference.length; i++) {
                reference[i] = expected.get(i);
            }
            Golden.within(
                    Golden.largestDifference(logits.contiguous().toFloats(), reference),
                    1e-4,
                    "Baichuan-13B, " + name + ", logits");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"4 heads", "40 heads"})
    void greedyTokensThroughACacheAreThoseOfLlamaCpp(String name) throws IOException {
        JsonNode wanted = facts().path("cases").path(name);
        try (Scope scope = Scope.open();
                Decoder decoder = written(wanted)) {
            int[] expected = ids(wanted.path("greedy"));
            assertThat(Golden.greedy(decoder, ids(wanted.path("prompt")), expected.length))
                    .containsExactly(expected);
        }
    }

    /// A directory with the recorded config and the weights that the script made, loaded.
    private Decoder written(JsonNode wanted) throws IOException {
        Files.writeString(
                directory.resolve("config.json"), wanted.path("config").toString());
        ModelConfig config = ModelConfig.read(directory);
        assertThat(config.family().title()).isEqualTo("Baichuan-13B");
        Map<String, Tensor> weights = new LinkedHashMap<>();
        WeightLayout.shapes(config.decoder(), config.family().names())
                .forEach((weight, shape) -> weights.put(weight, Tensor.of(values(weight, shape), shape)));
        SafetensorsWriter.writeSharded(directory, weights, 1 << 28);
        return DecoderWeights.load(directory, config, DType.F32, Device.CPU, false);
    }

    /// What the script calls `weight`: sixteen bits of a hash of name and place.
    private static float[] values(String name, long[] shape) {
        CRC32 seed = new CRC32();
        seed.update(name.getBytes(StandardCharsets.UTF_8));
        float[] values = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
        for (int i = 0; i < values.length; i++) {
            int x = i * 0x9E3779B9 + (int) seed.getValue();
            x ^= x >>> 16;
            x *= 0x7FEB352D;
            x ^= x >>> 15;
            x *= 0x846CA68B;
            values[i] = (x >>> 16) / 131072f - (shape.length > 1 ? 0.25f : -0.75f);
        }
        return values;
    }

    private static int[] ids(JsonNode list) {
        return list.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    private static JsonNode facts() throws IOException {
        try (InputStream in = Objects.requireNonNull(
                BaichuanAlibiTest.class.getResourceAsStream("/baichuan-alibi.json"), "fixture")) {
            return JSON.readTree(in);
        }
    }
}
