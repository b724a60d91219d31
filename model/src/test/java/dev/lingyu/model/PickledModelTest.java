package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/// Whole models whose weights are pickles; `interop/make-pickle-fixtures.py` wrote them.
class PickledModelTest {
    private static Path fixture(String name) throws URISyntaxException {
        return Path.of(Objects.requireNonNull(PickledModelTest.class.getResource("/pickle/" + name), name)
                .toURI());
    }

    @Test
    void shardsOfPytorchModelBinLoadAsOneModel() throws URISyntaxException {
        Path directory = fixture("tiny-llama");
        ModelConfig config = ModelConfig.read(directory);
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.load(directory, config, DType.F16, Device.CPU, false)) {
            assertThat(decoder.parameters()).hasSize(12);
            // Tensors 0 and 11, as the script numbers them: one from each shard.
            assertThat(first(decoder, "model.embed_tokens.weight")).containsExactly(-1f, -0.5625f, -0.125f);
            assertThat(first(decoder, "lm_head.weight")).containsExactly(-0.0625f, 0.375f, 0.8125f);
        }
    }

    @Test
    void aModelScopeDirectoryWithoutConfigJsonLoads() throws URISyntaxException {
        Path directory = fixture("megatron");
        ModelConfig config = ModelConfig.read(directory);
        assertThat(config.family().modelType()).isEqualTo("gpt3");
        assertThat(config.tokens().eos()).containsExactly(7);
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.load(directory, config, DType.F32, Device.CPU, false)) {
            assertThat(first(decoder, "language_model.embedding.position_embeddings.weight"))
                    .containsExactly(-0.1875f, 0.25f, 0.6875f);
            assertThat(decoder.logits(TokenBatch.of(1, 2, 3)).allFinite()).isTrue();
        }
    }

    @Test
    void anAdapterInAdapterModelBinOpensWithItsBaseBesideIt() throws URISyntaxException {
        try (Scope scope = Scope.open();
                LanguageModel model = LanguageModel.open(fixture("tiny-lora"), LanguageModel.Options.inference())) {
            Adapter adapter = model.decoder().adapters().inUse().getFirst();
            assertThat(adapter.modules()).containsExactly("model.layers.0.self_attn.q_proj");
            // Tensor 1, as the script numbers them.
            assertThat(java.util.Arrays.copyOf(
                            adapter.parameters().get(1).value().toFloats(), 3))
                    .containsExactly(-0.1875f, 0.25f, 0.6875f);
            float[] adapted = model.decoder().logits(TokenBatch.of(1, 2, 3)).toFloats();
            model.decoder().adapters().use();
            assertThat(model.decoder().logits(TokenBatch.of(1, 2, 3)).toFloats())
                    .isNotEqualTo(adapted);
        }
    }

    private static float[] first(Decoder decoder, String name) {
        return java.util.Arrays.copyOf(decoder.parameter(name).value().toFloats(), 3);
    }
}
