package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What runs while a model is read must run for every family: its failures are only logged.
class WarmUpTest {
    private static final LanguageModel.Options INFERENCE =
            LanguageModel.Options.inference().with(DType.BF16, Device.CPU);

    static List<String> families() {
        return Golden.decoderFamilies();
    }

    @ParameterizedTest
    @MethodSource("families")
    void everyFamilyIsRehearsedInSixteenBitsAndRounded(String family) throws IOException {
        ModelConfig config = ModelConfig.read(Golden.open(family).directory());
        ModelConfig tiny = config.withDecoder(WarmUp.tiny(config.decoder()));
        assertThat(tiny.decoder().layers()).isOne();
        long live = Tensor.liveCount();
        try (WarmUp warmUp = WarmUp.begin(config, DType.BF16, INFERENCE)) {
            warmUp.rehearse(tiny, DType.BF16, INFERENCE, 1);
            LanguageModel.Options rounded = INFERENCE.quantized(WeightQuantization.of(Quantization.INT4));
            warmUp.rehearse(tiny, DType.BF16, rounded, 1);
        }
        assertThat(Tensor.liveCount()).as("tensors left open").isEqualTo(live);
    }

    @Test
    void aWideModelIsRehearsedNarrower(@TempDir Path directory) throws IOException {
        Files.writeString(directory.resolve("config.json"), """
                {"model_type": "llama", "vocab_size": 128256, "hidden_size": 8192, "num_hidden_layers": 80,
                 "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 28672,
                 "max_position_embeddings": 8192}
                """);
        DecoderConfig tiny = WarmUp.tiny(ModelConfig.read(directory).decoder());
        assertThat(tiny.hiddenSize()).isEqualTo(1024);
        assertThat(tiny.heads()).isEqualTo(8);
        assertThat(tiny.keyValueHeads()).isEqualTo(1);
        assertThat(tiny.headSize()).isEqualTo(128);
        assertThat(tiny.intermediateSize()).isEqualTo(4096);
    }
}
