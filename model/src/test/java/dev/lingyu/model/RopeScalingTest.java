package dev.lingyu.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Linearly and dynamically scaled rotary positions against transformers (interop/make-rope-scaling-fixture.py).
class RopeScalingTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest
    @ValueSource(strings = {"linear 2", "linear 4", "dynamic 2", "dynamic 4"})
    void logitsBeyondTheTrainedLengthAreTransformers(String name) throws IOException {
        Golden golden = Golden.open("llama-gqa");
        JsonNode facts = facts();
        JsonNode wanted = facts.path("cases").path(name);
        Path file = golden.directory().resolve("config.json");
        ObjectNode fields = (ObjectNode) JSON.readTree(file.toFile());
        fields.set("rope_scaling", wanted.path("rope_scaling"));
        fields.set("max_position_embeddings", facts.path("max_position_embeddings"));
        ModelConfig config = ModelConfig.of(fields, file.toString());
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.load(golden.directory(), config, DType.F32, Device.CPU, false)) {
            int[] row =
                    golden.sequences("full.input_ids", "full.attention_mask").getFirst();
            // A shorter neighbour: dynamic scaling is each sequence's own.
            TokenBatch batch = TokenBatch.of(List.of(new int[] {9, 10, 11}, row));
            float[] found = decoder.logits(batch).select(0, batch.lastRows()[1]).toFloats();
            float[] expected = new float[found.length];
            for (int i = 0; i < expected.length; i++) {
                expected[i] = (float) wanted.path("logits").path(i).asDouble();
            }
            Golden.within(Golden.largestDifference(found, expected), 1e-4, "llama-gqa RoPE " + name + " logits");
        }
    }

    private static JsonNode facts() throws IOException {
        try (InputStream in =
                Objects.requireNonNull(RopeScalingTest.class.getResourceAsStream("/rope-scaling.json"), "fixture")) {
            return JSON.readTree(in);
        }
    }
}
