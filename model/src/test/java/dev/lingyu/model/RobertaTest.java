package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// RoBERTa and XLM-RoBERTa against transformers, in directories that it saved (interop/make-roberta-fixture.py).
class RobertaTest {
    @ParameterizedTest
    @CsvSource({
        "encoder, right",
        "encoder, left",
        "masked-lm, right",
        "masked-lm, left",
        "xlm-encoder, right",
        "xlm-encoder, left"
    })
    void hiddenStatesAndPooledVectorsAreTransformers(String name, String padded) throws IOException {
        Golden golden = Golden.resource("roberta/" + name);
        String mask = padded + ".attention_mask";
        try (Scope scope = Scope.open();
                Encoder encoder = load(golden)) {
            TokenBatch batch = TokenBatch.of(golden.sequences(padded + ".input_ids", mask));
            List<Tensor> states = encoder.hiddenStates(batch, new int[0]);
            assertThat(states).hasSameSizeAs(golden.names(padded + ".hidden."));
            for (int i = 0; i < states.size(); i++) {
                String array = padded + ".hidden." + i;
                Golden.within(
                        golden.largestDifferenceAtRealPositions(states.get(i), array, mask), 1e-4, name + " " + array);
            }
            for (Pooling pooling : List.of(Pooling.CLS, Pooling.MEAN)) {
                String array = padded + ".pool." + pooling.configName();
                Golden.within(
                        Golden.largestDifference(
                                encoder.embeddings(batch, pooling, false).toFloats(),
                                golden.array(array).toFloats()),
                        1e-5,
                        name + " " + array);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"encoder", "masked-lm", "xlm-encoder"})
    void aTextMayFillThePositionsBehindThePaddingsOwnAndNoMore(String name) throws IOException {
        Golden golden = Golden.resource("roberta/" + name);
        try (Scope scope = Scope.open();
                Encoder encoder = load(golden)) {
            assertThat(encoder.config().maxTokens()).isEqualTo(18);
            assertThatThrownBy(() -> encoder.embeddings(TokenBatch.of(new int[19]), Pooling.CLS, false))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("18 tokens");
        }
    }

    private static Encoder load(Golden golden) {
        EncoderConfig config = EncoderConfig.read(golden.directory());
        return EncoderWeights.load(golden.directory(), config, DType.F32, Device.CPU, false);
    }
}
