package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `config.json` in the spellings of transformers 4 and 5, and what is said about those that can't be used.
class ConfigSpellingTest {
    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bloom",
                "bloom-nhead5",
                "gpt2",
                "llama",
                "llama-gqa",
                "llama-rope-llama3",
                "mistral",
                "qwen2",
                "qwen3",
                "glm"
            })
    void theSpellingOfTransformers5MeansTheSameModel(String name) throws IOException {
        Golden golden = Golden.open(name);
        Files.copy(Golden.SHARED.resolve("golden/config-v5/" + name + ".json"), directory.resolve("config.json"));
        Files.createSymbolicLink(
                directory.resolve("model.safetensors"),
                golden.directory().resolve("model.safetensors").toAbsolutePath());
        ModelConfig config = ModelConfig.read(directory);

        assertThat(config.decoder())
                .isEqualTo(ModelConfig.read(golden.directory()).decoder());
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.load(directory, config, DType.F32, Device.CPU, false)) {
            TokenBatch tokens = TokenBatch.of(golden.sequences("full.input_ids", "full.attention_mask"));
            Golden.within(
                    golden.largestDifferenceAtRealPositions(
                            decoder.logits(tokens), "full.logits", "full.attention_mask"),
                    1e-4,
                    name + " full.logits with the config of transformers 5");
        }
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.MethodSource("dev.lingyu.model.Golden#decoderFamilies")
    void aConfigWrittenFromScratchReadsBackAsTheSameDecoder(String name) throws IOException {
        ModelConfig config = ModelConfig.read(Golden.open(name).directory());
        ModelConfig fresh = ModelConfig.of(config.family().modelType(), config.decoder(), config.tokens());
        Files.writeString(
                directory.resolve("config.json"), fresh.toJson(DType.F32).toPrettyString());

        ModelConfig again = ModelConfig.read(directory);
        assertThat(again.decoder()).isEqualTo(config.decoder());
        assertThat(again.tokens()).isEqualTo(config.tokens());
        assertThat(again.family()).isSameAs(config.family());
    }

    @Test
    void anUnknownModelTypeIsAnsweredWithTheKnownOnes() throws IOException {
        config("{\"model_type\": \"mamba\"}");
        assertThatThrownBy(() -> ModelConfig.read(directory))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("\"mamba\"")
                .hasMessageContaining("bloom, llama, mistral, qwen2, qwen3, baichuan, chatglm, glm, gpt2, gpt3");
    }

    @Test
    void anEncoderIsNotTakenForAModelThatPredictsTokens() throws IOException {
        config("{\"model_type\": \"roberta\"}");
        assertThatThrownBy(() -> ModelConfig.read(directory))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("describes an encoder (\"model_type\" \"roberta\")");
    }

    @Test
    void baichuan13bIsKnownByItsSize() throws IOException {
        String common = "{\"model_type\": \"baichuan\", \"vocab_size\": 64, \"hidden_size\": 5120,"
                + " \"num_attention_heads\": 40, \"num_hidden_layers\": 1, \"intermediate_size\": 64";
        config(common + ", \"model_max_length\": 4096}");
        ModelConfig config = ModelConfig.read(directory);
        assertThat(config.decoder().position()).isInstanceOf(Position.Alibi.class);
        assertThat(config.family().title()).isEqualTo("Baichuan-13B");
        assertThat(Families.of("baichuan").title()).isEqualTo("Baichuan-7B");

        config(common + ", \"z_loss_weight\": 0}");
        assertThatThrownBy(() -> ModelConfig.read(directory)).hasMessageContaining("Baichuan 2");
    }

    @Test
    void qwen2LooksThroughAWindowOnlyWhereItsConfigSaysSo() throws IOException {
        String common = "{\"model_type\": \"qwen2\", \"vocab_size\": 64, \"hidden_size\": 64,"
                + " \"num_attention_heads\": 4, \"num_hidden_layers\": 3, \"intermediate_size\": 64,"
                + " \"sliding_window\": 16, \"max_window_layers\": 2, \"use_sliding_window\": ";
        config(common + "false}");
        assertThat(ModelConfig.read(directory).decoder().slidingWindow()).isEmpty();
        config(common + "true}");
        assertThat(ModelConfig.read(directory).decoder().slidingWindow()).contains(new DecoderConfig.Window(16, 2));
    }

    @Test
    void theFirstChatGlmIsRefusedByName() throws IOException {
        config("{\"model_type\": \"chatglm\", \"inner_hidden_size\": 16384}");
        assertThatThrownBy(() -> ModelConfig.read(directory)).hasMessageContaining("first ChatGLM");
    }

    private void config(String json) throws IOException {
        Files.writeString(directory.resolve("config.json"), json);
    }
}
