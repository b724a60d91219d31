package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderWeights;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The masked loss, every recorded gradient and three AdamW steps against the reference implementations.
class GoldenTrainingTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("lingyu.shared", "../../shared")).resolve("golden");

    @ParameterizedTest
    @CsvSource({"bloom,false", "bloom,true", "bloom-nhead5,false", "llama,false", "llama,true", "llama-gqa,false"})
    void lossGradientsAndThreeStepsEqualTheReference(String name, boolean recompute) throws IOException {
        Path directory = GOLDEN.resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(directory), "Skipped: no golden fixtures at " + directory);
        JsonNode facts = new ObjectMapper()
                .readTree(Files.readAllBytes(directory.resolve("expected.json")))
                .path("adamw");
        SafetensorsFile golden = SafetensorsFile.open(directory.resolve("expected.safetensors"));
        try (Scope scope = Scope.open();
                Decoder decoder =
                        DecoderWeights.load(directory, ModelConfig.read(directory), DType.F32, Device.CPU, true)) {
            decoder.parameters().forEach(p -> p.trainable(true));
            List<TrainingRow> rows = rows(golden);
            int labels = rows.stream().mapToInt(TrainingRow::labelCount).sum();
            try (AdamW optimizer = new AdamW(
                    decoder.parameters(),
                    new OptimizerSettings(OptimizerSettings.Kind.ADAMW, 0.9, 0.999, 1e-8, 0.01, false))) {
                CausalLmObjective objective = new CausalLmObjective(decoder, optimizer, recompute);
                for (int step = 0; step < 3; step++) {
                    CausalLmObjective.Outcome outcome = objective.accumulate(rows, 1.0 / labels);
                    within(
                            Math.abs(outcome.meanLoss()
                                    - facts.path("loss_before_each_step")
                                            .path(step)
                                            .asDouble()),
                            1e-5,
                            name + " loss before step " + step);
                    if (step == 0) {
                        compareGradients(golden, decoder, optimizer, name);
                    }
                    optimizer.step(1e-3);
                    compareParameters(golden, decoder, "adamw.step" + (step + 1) + ".", name);
                }
                within(
                        Math.abs(CausalLmObjective.evaluate(decoder, rows).meanLoss()
                                - facts.path("loss_after_last_step").asDouble()),
                        2e-5,
                        name + " loss after the last step");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"bloom", "llama-gqa"})
    void gradientsOfMicroBatchesAddUpToThoseOfTheWholeBatch(String name) throws IOException {
        Path directory = GOLDEN.resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(directory), "Skipped: no golden fixtures at " + directory);
        SafetensorsFile golden = SafetensorsFile.open(directory.resolve("expected.safetensors"));
        try (Scope scope = Scope.open();
                Decoder decoder =
                        DecoderWeights.load(directory, ModelConfig.read(directory), DType.F32, Device.CPU, true)) {
            decoder.parameters().forEach(p -> p.trainable(true));
            List<TrainingRow> rows = rows(golden);
            int labels = rows.stream().mapToInt(TrainingRow::labelCount).sum();
            try (AdamW optimizer = new AdamW(decoder.parameters(), OptimizerSettings.defaults())) {
                CausalLmObjective objective = new CausalLmObjective(decoder, optimizer, false);
                for (TrainingRow row : rows) {
                    objective.accumulate(List.of(row), 1.0 / labels);
                }
                compareGradients(golden, decoder, optimizer, name + " row by row:");
            }
        }
    }

    private static void compareGradients(SafetensorsFile golden, Decoder decoder, AdamW optimizer, String name) {
        int compared = 0;
        for (String array : golden.names()) {
            if (array.startsWith("grad.")) {
                Parameter parameter = decoder.parameter(array.substring("grad.".length()));
                within(
                        largestDifference(
                                optimizer.gradientOf(parameter).toFloats(),
                                golden.tensor(array).toFloats()),
                        2e-5,
                        name + " " + array);
                compared++;
            }
        }
        assertThat(compared).isPositive();
    }

    private static void compareParameters(SafetensorsFile golden, Decoder decoder, String prefix, String name) {
        for (String array : golden.names()) {
            if (array.startsWith(prefix)) {
                within(
                        largestDifference(
                                decoder.parameter(array.substring(prefix.length()))
                                        .value()
                                        .toFloats(),
                                golden.tensor(array).toFloats()),
                        5e-5,
                        name + " " + array);
            }
        }
    }

    static List<TrainingRow> rows(SafetensorsFile golden) {
        int columns = (int) golden.shape("loss.input_ids")[1];
        long[] ids = golden.tensor("loss.input_ids").toLongs();
        long[] mask = golden.tensor("loss.attention_mask").toLongs();
        long[] labels = golden.tensor("loss.labels").toLongs();
        List<TrainingRow> rows = new ArrayList<>();
        for (int r = 0; r < golden.shape("loss.input_ids")[0]; r++) {
            int length = 0;
            while (length < columns && mask[r * columns + length] == 1) {
                length++;
            }
            int[] rowIds = new int[length];
            int[] rowLabels = new int[length];
            for (int c = 0; c < length; c++) {
                rowIds[c] = (int) ids[r * columns + c];
                rowLabels[c] = (int) labels[r * columns + c];
            }
            rows.add(new TrainingRow(rowIds, rowLabels));
        }
        return rows;
    }

    static double largestDifference(float[] ours, float[] golden) {
        assertThat(ours).hasSameSizeAs(golden);
        double largest = 0;
        for (int i = 0; i < ours.length; i++) {
            largest = Math.max(largest, Math.abs(ours[i] - golden[i]));
        }
        return largest;
    }

    static void within(double difference, double tolerance, String what) {
        System.out.printf("golden %-80s largest difference %.2e (tolerance %.0e)%n", what, difference, tolerance);
        assertThat(difference).as(what + ": largest difference").isLessThanOrEqualTo(tolerance);
    }
}
