package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.adapter.Ia3Config;
import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.model.adapter.TargetModules;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Fresh adapters, several at once, dropout and sharing, on a model with random weights.
class AdaptersTest {
    private static final TokenBatch BATCH = TokenBatch.of(List.of(new int[] {5, 9, 3, 7, 7, 1}, new int[] {8, 2}));

    @TempDir
    Path directory;

    private static Decoder decoder(boolean tied, DType dtype) {
        DecoderConfig shape = DecoderConfig.builder(new Position.Rope(10000, 8, false, new RopeScaling.None()))
                .vocabularySize(32)
                .hiddenSize(16)
                .layers(2)
                .heads(2)
                .keyValueHeads(1)
                .headSize(8)
                .intermediateSize(24)
                .biases(new DecoderConfig.Biases(true, false, false))
                .gated(true)
                .tiedHead(tied)
                .maxPositions(64)
                .normEpsilon(1e-6)
                .initializerRange(0.3)
                .activation(Activation.SILU)
                .build();
        return DecoderWeights.random(
                ModelConfig.of(
                        "qwen2",
                        shape,
                        new ModelConfig.SpecialTokens(
                                java.util.OptionalInt.empty(), List.of(), java.util.OptionalInt.empty())),
                dtype,
                7);
    }

    private static LoraConfig lora(String... modules) {
        return LoraConfig.of(4, 8, TargetModules.of(new TargetModules.Names(List.of(modules))));
    }

    private static LoraConfig lora(double dropout, boolean dora, LoraConfig.Bias bias, List<String> whole) {
        return new LoraConfig(
                4,
                8,
                dropout,
                TargetModules.of(new TargetModules.AllLinear()),
                whole,
                bias,
                false,
                dora,
                Map.of(),
                Map.of(),
                false,
                Optional.empty());
    }

    private static float[] logits(Decoder decoder) {
        try (Scope scope = Scope.open()) {
            return decoder.logits(BATCH).toFloats();
        }
    }

    /// Moves an adapter away from its beginning, the same way each time.
    private static void disturb(Adapter adapter) {
        float at = 0;
        for (Parameter parameter : adapter.parameters()) {
            try (Scope scope = Scope.open()) {
                float[] values = parameter.value().toFloats();
                for (int i = 0; i < values.length; i++) {
                    at += 1;
                    values[i] += 0.1f * (float) Math.sin(at);
                }
                parameter.replace(Tensor.of(values, parameter.value().shape())
                        .to(parameter.value().dtype()));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(LoraConfig.Bias.class)
    void aFreshAdapterChangesNothingUntilItIsTrained(LoraConfig.Bias bias) {
        try (Decoder decoder = decoder(false, DType.F32)) {
            float[] before = logits(decoder);
            for (boolean dora : new boolean[] {false, true}) {
                String name = "dora " + dora;
                Adapter adapter = decoder.adapters().create(name, lora(0, dora, bias, List.of("embed_tokens")), 1);
                decoder.adapters().use(name);
                assertThat(Golden.largestDifference(logits(decoder), before)).isLessThan(1e-5);
                disturb(adapter);
                assertThat(Golden.largestDifference(logits(decoder), before)).isGreaterThan(1e-2);
                long biases = adapter.parameters().stream()
                        .filter(p -> p.name().endsWith(".bias"))
                        .count();
                assertThat(biases).isEqualTo(bias == LoraConfig.Bias.NONE ? 0 : 6);
            }
        }
    }

    @Test
    void aStartsUniformWithinTheBoundOfKaimingAndFromTheSeed() {
        try (Decoder decoder = decoder(false, DType.F32)) {
            float[] a = decoder.adapters()
                    .create("a", lora("q_proj"), 1)
                    .parameters()
                    .getFirst()
                    .value()
                    .toFloats();
            float[] same = decoder.adapters()
                    .create("b", lora("q_proj"), 1)
                    .parameters()
                    .getFirst()
                    .value()
                    .toFloats();
            float[] other = decoder.adapters()
                    .create("c", lora("q_proj"), 2)
                    .parameters()
                    .getFirst()
                    .value()
                    .toFloats();
            assertThat(same).isEqualTo(a);
            assertThat(other).isNotEqualTo(a);
            double largest = 0;
            for (float value : a) {
                largest = Math.max(largest, Math.abs(value));
            }
            assertThat(largest).isBetween(0.2, 0.25);
        }
    }

    @Test
    void severalPlainLorasAddUpAndOthersAreRefused() {
        try (Decoder decoder = decoder(false, DType.F32)) {
            Adapters adapters = decoder.adapters();
            disturb(adapters.create("a", lora("q_proj", "up_proj"), 1));
            disturb(adapters.create("b", lora("down_proj", "up_proj"), 2));
            adapters.create("dora", lora(0, true, LoraConfig.Bias.NONE, List.of()), 3);
            adapters.use("a", "b");
            float[] both = logits(decoder);
            adapters.merge();
            assertThat(Golden.largestDifference(logits(decoder), both)).isLessThan(1e-4);
            adapters.use("a");
            float[] first = logits(decoder);
            assertThat(Golden.largestDifference(first, both)).isGreaterThan(1e-3);
            assertThatThrownBy(() -> adapters.use("a", "dora"))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("dora");
            assertThatThrownBy(() -> adapters.use("c"))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("a, b, dora");
            assertThat(logits(decoder)).as("a refused choice changes nothing").isEqualTo(first);
        }
    }

    @Test
    void aCopyOfATiedEmbeddingLeavesTheHeadAsItWas() {
        try (Decoder decoder = decoder(true, DType.F32)) {
            Adapter adapter =
                    decoder.adapters().create("a", lora(0, false, LoraConfig.Bias.NONE, List.of("embed_tokens")), 1);
            decoder.adapters().use("a");
            disturb(adapter);
            assertThat(decoder.head()).isNotSameAs(decoder.tokenEmbedding());
            assertThat(decoder.config().tiedHead()).isFalse();
            assertThat(decoder.weights().get("model.embed_tokens.weight")).isSameAs(decoder.tokenEmbedding());
            assertThat(decoder.weights().get("lm_head.weight")).isSameAs(decoder.head());
            decoder.adapters().use();
            assertThat(decoder.weights()).doesNotContainKey("lm_head.weight");
            assertThat(decoder.head()).isSameAs(decoder.tokenEmbedding());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void dropoutIsDrawnAnewInEachTrainingPassAlikeWithinItAndAbsentOtherwise(boolean dora) {
        try (Scope scope = Scope.open();
                Decoder decoder = decoder(false, DType.F32)) {
            disturb(decoder.adapters().create("a", lora(0.5, dora, LoraConfig.Bias.NONE, List.of()), 1));
            decoder.adapters().use("a");
            decoder.dropout().seed(11);
            float[] quiet = logits(decoder);
            float[] first = trainingPass(decoder);
            float[] second = trainingPass(decoder);
            assertThat(first).isNotEqualTo(second).isNotEqualTo(quiet);
            assertThat(logits(decoder)).isEqualTo(quiet);
            assertThat(decoder.dropout().passes()).isEqualTo(2);
            decoder.dropout().restore(1);
            assertThat(trainingPass(decoder)).isEqualTo(second);
            decoder.dropout().enabled(false);
            // Training normalises by libtorch, inference by kernels: another order of adding, in f32.
            assertThat(Golden.largestDifference(trainingPass(decoder), quiet)).isLessThan(1e-5);
        }
    }

    /// Every block twice, the second time without recording, as when activations are computed again.
    private static float[] trainingPass(Decoder decoder) {
        try (Autograd.Mode on = Autograd.on();
                Decoder.Pass pass = decoder.begin(BATCH, List.of())) {
            Tensor x = decoder.embed(pass);
            for (int layer = 0; layer < decoder.config().layers(); layer++) {
                int block = layer;
                Tensor in = Autograd.leaf(x);
                try (GradientTape tape = new GradientTape(in)) {
                    Tensor y = tape.record(() -> decoder.block(block, in, pass));
                    try (Autograd.Mode off = Autograd.off()) {
                        assertThat(decoder.block(block, in, pass).toFloats()).isEqualTo(y.toFloats());
                    }
                    x = Autograd.detached(y);
                }
            }
            return decoder.head(decoder.finish(x)).toFloats();
        }
    }

    @Test
    void decodersThatShareWeightsHaveAdaptersOfTheirOwn() {
        long before = Tensor.liveCount();
        try (Decoder decoder = decoder(false, DType.F32)) {
            float[] plain = logits(decoder);
            try (Decoder other = decoder.sharing()) {
                disturb(other.adapters().create("a", lora("q_proj"), 1));
                other.adapters().use("a");
                other.adapters().merge();
                assertThat(logits(other)).isNotEqualTo(plain);
                assertThat(logits(decoder)).isEqualTo(plain);
            }
            assertThat(logits(decoder)).isEqualTo(plain);
        }
        assertThat(Tensor.liveCount()).as("tensors left open").isEqualTo(before);
    }

    @Test
    void aBaseInBf16StaysSoAndItsAdapterIsHeldInF32() {
        try (Decoder decoder = decoder(false, DType.BF16)) {
            Adapter adapter =
                    decoder.adapters().create("a", lora(0, false, LoraConfig.Bias.ALL, List.of("lm_head")), 1);
            disturb(adapter);
            decoder.adapters().use("a");
            float[] adapted = logits(decoder);
            assertThat(adapter.parameters().getFirst().value().dtype()).isEqualTo(DType.F32);
            assertThat(decoder.head().value().dtype()).isEqualTo(DType.BF16);
            decoder.adapters().merge();
            assertThat(Golden.largestDifference(logits(decoder), adapted)).isLessThan(0.2);
        }
    }

    @Test
    void ia3WithInputsAndOutputsIsWrittenAndReadAgain() throws IOException {
        try (Decoder decoder = decoder(false, DType.F32)) {
            AdapterConfig ia3 = new Ia3Config(
                    TargetModules.of(new TargetModules.Names(List.of("k_proj", "v_proj", "down_proj"))),
                    Optional.of(new TargetModules.Names(List.of("down_proj"))),
                    List.of(),
                    Optional.empty());
            float[] plain = logits(decoder);
            Adapter adapter = decoder.adapters().create("a", ia3, 1);
            decoder.adapters().use("a");
            assertThat(logits(decoder)).isEqualTo(plain);
            disturb(adapter);
            float[] adapted = logits(decoder);
            adapter.save(directory, "base");
            decoder.adapters().load("b", directory);
            decoder.adapters().use("b");
            assertThat(logits(decoder)).isEqualTo(adapted);
        }
    }

    @Test
    void anAdapterOfAnotherModelIsRefusedByTensorName() throws IOException {
        try (Decoder decoder = decoder(false, DType.F32)) {
            decoder.adapters().create("a", lora("q_proj"), 1).save(directory, "base");
            try (Decoder smaller = DecoderWeights.random(
                    ModelConfig.of(
                            "qwen2",
                            decoder.config().toBuilder().layers(1).build(),
                            new ModelConfig.SpecialTokens(
                                    java.util.OptionalInt.empty(), List.of(), java.util.OptionalInt.empty())),
                    DType.F32,
                    1)) {
                assertThatThrownBy(() -> smaller.adapters().load("a", directory))
                        .isInstanceOf(ModelException.class)
                        .hasMessageContaining("base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight")
                        .hasMessageContaining("another model");
            }
            assertThatThrownBy(() -> decoder.adapters().create("x", lora("query_key_value"), 1))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("query_key_value")
                    .hasMessageContaining("model.layers.0.self_attn.q_proj");
            assertThatThrownBy(() ->
                            decoder.adapters().create("x", lora(0, false, LoraConfig.Bias.NONE, List.of("wte")), 1))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("wte");
        }
    }
}
