package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Documents that share a row are trained as if they had rows of their own.
class PackingTest {
    @TempDir
    Path directory;

    private static List<TrainingRow> documents(int vocabulary, long seed) {
        Random random = new Random(seed);
        List<TrainingRow> documents = new ArrayList<>();
        for (int d = 0; d < 9; d++) {
            int length = 3 + random.nextInt(40);
            int[] ids = random.ints(length, 0, vocabulary).toArray();
            int[] labels = ids.clone();
            Arrays.fill(labels, 0, d % 3 == 0 ? 0 : length / 2, TrainingRow.IGNORE);
            documents.add(new TrainingRow(ids, labels));
        }
        return documents;
    }

    @ParameterizedTest
    @ValueSource(strings = {"bloom", "llama"})
    void packedRowsEqualUnpackedOnesInLossAndGradients(String family) throws IOException {
        Tiny tiny = Tiny.in(directory);
        ObjectNode config = tiny.pretraining(directory.resolve("pt"));
        if (family.equals("llama")) {
            config.putObject("model_config")
                    .put("model_type", "llama")
                    .put("hidden_size", 32)
                    .put("intermediate_size", 48)
                    .put("num_hidden_layers", 2)
                    .put("num_attention_heads", 4)
                    .put("num_key_value_heads", 2)
                    .put("max_position_embeddings", 64)
                    .put("rms_norm_eps", 1e-5)
                    .put("tie_word_embeddings", false);
        }
        try (LanguageModel model = ModelSource.open(TrainConfig.of("test", config))) {
            Decoder decoder = model.decoder();
            decoder.parameters().forEach(p -> p.trainable(true));
            List<TrainingRow> documents = documents(decoder.config().vocabularySize(), 3);
            List<TrainingRow> packed = Knapsack.pack(documents, 63);
            assertThat(packed.size()).isLessThan(documents.size());
            int labels = documents.stream().mapToInt(TrainingRow::labelCount).sum();
            assertThat(packed.stream().mapToInt(TrainingRow::labelCount).sum()).isEqualTo(labels);
            try (AdamW apart = new AdamW(decoder.parameters(), OptimizerSettings.defaults());
                    AdamW together = new AdamW(decoder.parameters(), OptimizerSettings.defaults())) {
                CausalLmObjective.Outcome one =
                        new CausalLmObjective(decoder, apart, false).accumulate(documents, 1.0 / labels);
                CausalLmObjective.Outcome other =
                        new CausalLmObjective(decoder, together, true).accumulate(packed, 1.0 / labels);
                assertThat(other.labels()).isEqualTo(one.labels());
                double loss = Math.abs(one.meanLoss() - other.meanLoss());
                double largest = decoder.parameters().stream()
                        .mapToDouble(p -> difference(
                                apart.gradientOf(p).toFloats(),
                                together.gradientOf(p).toFloats()))
                        .max()
                        .orElseThrow();
                System.out.printf("packed against unpacked, %s: loss %.2e, gradients %.2e%n", family, loss, largest);
                assertThat(loss).isLessThan(1e-6);
                assertThat(largest).isLessThan(1e-6);
                CausalLmObjective.Outcome checked = CausalLmObjective.evaluate(decoder, packed);
                assertThat(checked.meanLoss()).isCloseTo(one.meanLoss(), within(1e-6));
            }
        }
    }

    private static double difference(float[] a, float[] b) {
        return IntStream.range(0, a.length)
                .mapToDouble(i -> Math.abs(a[i] - b[i]))
                .max()
                .orElse(0);
    }

    @Test
    void noRowIsLostOrTornAndNoneIsTooLong() {
        Random random = new Random(11);
        for (int round = 0; round < 50; round++) {
            List<TrainingRow> rows = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                int mark = i;
                rows.add(TrainingRow.all(IntStream.range(0, 1 + random.nextInt(60))
                        .map(t -> mark)
                        .toArray()));
            }
            List<TrainingRow> packed = Knapsack.pack(rows, 60);
            List<Integer> seen = new ArrayList<>();
            for (TrainingRow row : packed) {
                assertThat(row.ids().length).isLessThanOrEqualTo(60);
                row.documents().forEach(d -> {
                    assertThat(Arrays.stream(d.ids()).distinct().count()).isEqualTo(1);
                    assertThat(d.ids().length).isEqualTo(rows.get(d.ids()[0]).ids().length);
                    seen.add(d.ids()[0]);
                });
            }
            assertThat(new HashSet<>(seen)).hasSize(100);
            assertThat(seen).hasSize(100);
        }
    }

    @Test
    void aPackedRunLearnsFromAllAnswersInFewerRows() throws IOException {
        Tiny tiny = Tiny.in(directory);
        Path base = directory.resolve("base");
        new Trainer(TrainConfig.of("test", tiny.pretraining(base)), new TrainingListener() {}).run();
        try (LanguageModel model = LanguageModel.open(base, LanguageModel.Options.training(DType.F32, Device.CPU))) {
            TrainConfig apart = TrainConfig.of(
                    "test", tiny.finetuning(base, directory.resolve("a")).put("val_size", 0));
            TrainConfig together = TrainConfig.of(
                    "test",
                    tiny.finetuning(base, directory.resolve("b"))
                            .put("val_size", 0)
                            .put("neat_packing", true)
                            .put("cutoff_len", 256));
            TrainingRows one = TrainingRows.read(apart, model.chatEncoder(), RowPipeline.Progress.NONE);
            TrainingRows other = TrainingRows.read(together, model.chatEncoder(), RowPipeline.Progress.NONE);
            assertThat(other.train().size()).isLessThan(one.train().size() / 3);
            assertThat(other.train().stream().mapToInt(TrainingRow::labelCount).sum())
                    .isEqualTo(one.train().stream()
                            .mapToInt(TrainingRow::labelCount)
                            .sum());
            assertThat(other.trainTokens()).isEqualTo(one.trainTokens());
        }
    }

    @Test
    void rowsGroupedByLengthAreAllThereWithTheLongestFirst() {
        Random random = new Random(2);
        int[] lengths = random.ints(1000, 1, 500).toArray();
        BatchOrder order = new BatchOrder(1000, 8, 42, true, i -> lengths[i]);
        List<Integer> seen = new ArrayList<>();
        long spread = 0;
        for (int step = 0; step < order.stepsPerEpoch(); step++) {
            List<Integer> rows = order.step(step);
            seen.addAll(rows);
            spread += rows.stream().mapToInt(i -> lengths[i]).max().orElse(0)
                    - rows.stream().mapToInt(i -> lengths[i]).min().orElse(0);
        }
        assertThat(seen).hasSize(1000).doesNotHaveDuplicates();
        assertThat(lengths[order.step(0).getFirst()])
                .isEqualTo(Arrays.stream(lengths).max().orElseThrow());
        assertThat(spread / order.stepsPerEpoch())
                .as("mean spread within a step")
                .isLessThan(40);
        assertThat(new BatchOrder(1000, 8, 42, true, i -> lengths[i]).step(130)).isEqualTo(order.step(130));
        assertThat(order.step(125)).as("the next epoch differs").isNotEqualTo(order.step(0));
    }
}
