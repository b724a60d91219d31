package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The BERT encoder against the arrays of its reference implementation.
class GoldenEncoderTest {
    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"enc", "pair"})
    void hiddenStatesAndPooledVectorsEqualTheReference(String group) throws IOException {
        Golden golden = Golden.open("bert");
        try (Scope scope = Scope.open();
                Encoder encoder = load(golden.directory(), false)) {
            TokenBatch batch = batch(golden, group);
            int[] types = golden.sequences(group + ".token_type_ids", group + ".attention_mask").stream()
                    .flatMapToInt(java.util.Arrays::stream)
                    .toArray();
            List<Tensor> states = encoder.hiddenStates(batch, types);
            for (int i = 0; i < states.size(); i++) {
                compareStates(golden, states.get(i), group, "hidden." + i);
            }
            compareStates(golden, states.getLast(), group, "last_hidden");
            comparePooled(golden, Pooling.CLS.pool(states, batch), group, "cls");
            comparePooled(golden, Pooling.MEAN.pool(states, batch), group, "last_mean");
            comparePooled(golden, Pooling.FIRST_LAST_MEAN.pool(states, batch), group, "first_last_mean");
            comparePooled(golden, Pooling.EMBEDDING_LAST_MEAN.pool(states, batch), group, "embedding_last_mean");
            comparePooled(golden, Pooling.LAST_WEIGHTED_MEAN.pool(states, batch), group, "last_weighted_mean");
            comparePooled(golden, Pooling.unitLength(Pooling.MEAN.pool(states, batch)), group, "last_mean_l2");
        }
    }

    @Test
    void theContrastiveLossAndItsGradientsEqualTheReference() throws IOException {
        Golden golden = Golden.open("bert");
        try (Scope scope = Scope.open();
                Encoder encoder = load(golden.directory(), true);
                Autograd.Mode on = Autograd.on()) {
            encoder.parameters().forEach(parameter -> parameter.trainable(true));
            Tensor a = unitMean(encoder, batch(golden, "contrastive.a"));
            Tensor p = unitMean(encoder, batch(golden, "contrastive.p"));
            Tensor cos = a.matmul(p.transpose(0, 1));
            Golden.within(
                    Golden.largestDifference(
                            cos.toFloats(), golden.array("contrastive.cos").toFloats()),
                    1e-5,
                    "bert contrastive.cos");
            Tensor loss = Functional.crossEntropyPerRow(cos.mul(1 / 0.05), Tensor.arange(0, 4), -100)
                    .mean();
            Golden.within(
                    Math.abs(loss.item() - golden.array("contrastive.loss").item()), 1e-5, "bert contrastive.loss");
            List<String> arrays = golden.names("contrastive.grad.");
            List<Optional<Tensor>> gradients = Autograd.gradients(
                    loss,
                    Tensor.full(DType.F32, Device.CPU, 1),
                    arrays.stream()
                            .map(array -> encoder.parameter(array.substring("contrastive.grad.".length()))
                                    .value())
                            .toList());
            for (int i = 0; i < arrays.size(); i++) {
                Tensor gradient = gradients.get(i).orElseThrow();
                Golden.within(
                        Golden.largestDifference(
                                gradient.toFloats(), golden.array(arrays.get(i)).toFloats()),
                        2e-5,
                        "bert " + arrays.get(i));
            }
        }
    }

    private static Tensor unitMean(Encoder encoder, TokenBatch batch) {
        return Pooling.unitLength(Pooling.MEAN.pool(encoder.hiddenStates(batch, new int[0]), batch));
    }

    @Test
    void aTextHasTheSameVectorAloneAndAmongOthers() throws IOException {
        Golden golden = Golden.open("bert");
        try (Scope scope = Scope.open();
                Encoder encoder = load(golden.directory(), false)) {
            List<int[]> texts = golden.sequences("enc.input_ids", "enc.attention_mask");
            Tensor together = encoder.embeddings(TokenBatch.of(texts), Pooling.MEAN, true);
            for (int i = 0; i < texts.size(); i++) {
                Tensor alone = encoder.embeddings(TokenBatch.of(texts.get(i)), Pooling.MEAN, true);
                assertThat(Golden.largestDifference(
                                alone.toFloats(), together.select(0, i).toFloats()))
                        .isLessThan(1e-6);
            }
            assertThatThrownBy(() -> encoder.embeddings(TokenBatch.of(new int[65]), Pooling.CLS, false))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("64 tokens");
        }
    }

    @Test
    void robertaCountsPositionsFromBehindItsPaddingId() throws IOException {
        Golden golden = Golden.open("bert");
        EncoderConfig bert = EncoderConfig.read(golden.directory());
        String json = bert.source()
                .deepCopy()
                .put("model_type", "roberta")
                .put("pad_token_id", 1)
                .toString();
        Files.writeString(directory.resolve("config.json"), json);
        EncoderConfig roberta = EncoderConfig.read(directory);
        assertThat(roberta.positionOffset()).isEqualTo(2);
        assertThat(roberta.maxTokens()).isEqualTo(62);

        try (Scope scope = Scope.open();
                Encoder encoder = load(golden.directory(), false)) {
            // The same weights with every position two rows further down, under the prefix that RoBERTa's files have.
            Map<String, Tensor> shifted = new LinkedHashMap<>();
            EncoderWeights.tensors(encoder).forEach((name, value) -> shifted.put("roberta." + name, value));
            Tensor positions =
                    encoder.parameter("embeddings.position_embeddings.weight").value();
            shifted.put(
                    "roberta.embeddings.position_embeddings.weight",
                    Tensor.cat(List.of(Tensor.zeros(DType.F32, 2, 64), positions.narrow(0, 0, 62)), 0));
            SafetensorsWriter.writeSharded(directory, shifted, 1 << 20);
            TokenBatch batch = batch(golden, "enc");
            try (Encoder other = EncoderWeights.load(directory, roberta, DType.F32, Device.CPU, false)) {
                assertThat(other.embeddings(batch, Pooling.CLS, true).toFloats())
                        .isEqualTo(encoder.embeddings(batch, Pooling.CLS, true).toFloats());
            }
        }
    }

    @Test
    void theConfigOfTransformers5MeansTheSameEncoder() throws IOException {
        Golden golden = Golden.open("bert");
        Files.copy(Golden.SHARED.resolve("golden/config-v5/bert.json"), directory.resolve("config.json"));
        EncoderConfig old = EncoderConfig.read(golden.directory());
        EncoderConfig config = EncoderConfig.read(directory);
        assertThat(config).usingRecursiveComparison().ignoringFields("source").isEqualTo(old);
    }

    private static Encoder load(Path directory, boolean writable) {
        return EncoderWeights.load(directory, EncoderConfig.read(directory), DType.F32, Device.CPU, writable);
    }

    private static TokenBatch batch(Golden golden, String group) {
        return TokenBatch.of(golden.sequences(group + ".input_ids", group + ".attention_mask"));
    }

    private static void compareStates(Golden golden, Tensor ours, String group, String name) {
        Golden.within(
                golden.largestDifferenceAtRealPositions(ours, group + "." + name, group + ".attention_mask"),
                1e-4,
                "bert " + group + "." + name);
    }

    private static void comparePooled(Golden golden, Tensor ours, String group, String name) {
        float[] reference = golden.array(group + ".pool." + name).toFloats();
        Golden.within(Golden.largestDifference(ours.toFloats(), reference), 1e-5, "bert " + group + ".pool." + name);
    }
}
