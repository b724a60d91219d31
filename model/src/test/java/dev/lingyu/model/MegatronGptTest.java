package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// GPT-3 in Megatron's layout against ModelScope's own code on Megatron-LM's own layers, in directories that it
/// loaded itself (interop/make-megatron-gpt-fixture.py).
class MegatronGptTest {
    @ParameterizedTest
    @ValueSource(strings = {"published", "plain-gelu"})
    void logitsAndGreedyTokensAreModelScopes(String name) throws IOException {
        Golden golden = Golden.resource("megatron-gpt/" + name);
        try (Scope scope = Scope.open();
                Decoder decoder = load(golden, false)) {
            List<int[]> rows = golden.sequences("full.input_ids", "full.attention_mask");
            Golden.within(
                    golden.largestDifferenceAtRealPositions(
                            decoder.logits(TokenBatch.of(rows)), "full.logits", "full.attention_mask"),
                    1e-4,
                    "Megatron-GPT " + name + " full.logits");
            int[] prompt = ids(golden, "prompt");
            int[] whole = ids(golden, "greedy");
            assertThat(Golden.greedy(decoder, prompt, whole.length - prompt.length))
                    .containsExactly(Arrays.copyOfRange(whole, prompt.length, whole.length));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"published", "plain-gelu"})
    void theLossAndItsGradientsAreModelScopes(String name) throws IOException {
        Golden golden = Golden.resource("megatron-gpt/" + name);
        try (Scope scope = Scope.open();
                Decoder decoder = load(golden, true)) {
            decoder.parameters().forEach(parameter -> parameter.trainable(true));
            int[] row =
                    golden.sequences("full.input_ids", "full.attention_mask").get(1);
            Tensor logits = GoldenLoss.recordedLogits(decoder, TokenBatch.of(Arrays.copyOf(row, row.length - 1)));
            Tensor loss = GoldenLoss.mean(
                    logits, Arrays.stream(row).skip(1).asLongStream().toArray());
            Golden.within(Math.abs(loss.item() - golden.array("loss").item()), 1e-5, "Megatron-GPT " + name + " loss");
            List<Parameter> parameters = List.copyOf(decoder.parameters());
            assertThat(golden.names("grad."))
                    .containsExactlyInAnyOrderElementsOf(
                            parameters.stream().map(p -> "grad." + p.name()).toList());
            List<Optional<Tensor>> gradients = Autograd.gradients(
                    loss,
                    Tensor.of(new float[] {1}),
                    parameters.stream().map(Parameter::value).toList());
            double worst = 0;
            for (int i = 0; i < gradients.size(); i++) {
                float[] found = gradients.get(i).orElseThrow().toFloats();
                float[] reference =
                        golden.array("grad." + parameters.get(i).name()).toFloats();
                worst = Math.max(worst, Golden.largestDifference(found, reference));
            }
            Golden.within(worst, 2e-5, "Megatron-GPT " + name + " " + gradients.size() + " gradients");
        }
    }

    @Test
    void thePublishedConfigsLeaveTheTypeToModelScopesAndTheEndTokenToTheCode() throws IOException {
        ModelConfig config =
                ModelConfig.read(Golden.resource("megatron-gpt/published").directory());
        assertThat(config.source().has("eod_id")).isFalse();
        assertThat(config.tokens().eos()).containsExactly(1);
        assertThat(config.decoder().activation()).isEqualTo(Activation.GELU_TANH);
        assertThat(config.decoder().intermediateSize()).isEqualTo(4 * 12);
        assertThat(config.dtype()).isEqualTo(DType.F32);
    }

    private static Decoder load(Golden golden, boolean writable) {
        ModelConfig config = ModelConfig.read(golden.directory());
        return DecoderWeights.load(golden.directory(), config, DType.F32, Device.CPU, writable);
    }

    private static int[] ids(Golden golden, String array) {
        return LongStream.of(golden.array(array).toLongs())
                .mapToInt(Math::toIntExact)
                .toArray();
    }
}
