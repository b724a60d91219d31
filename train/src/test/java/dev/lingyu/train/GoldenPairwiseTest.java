package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.Parameter;
import dev.lingyu.model.ScoringModel;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Pairwise reward losses and their gradients: on given values, through a decoder, and over three AdamW steps.
class GoldenPairwiseTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("lingyu.shared", "../../shared")).resolve("golden");
    private static final LanguageModel.Options TRAINING = LanguageModel.Options.training(DType.F32, Device.CPU);

    @ParameterizedTest
    @EnumSource(PairwiseLoss.class)
    void lossesOfGivenValuesAndTheirGradientsAreTheReferences(PairwiseLoss loss) throws IOException {
        SafetensorsFile golden = open("rl-math");
        String name = "rm." + loss.name().toLowerCase(Locale.ROOT);
        int[][] chosen = ints(golden, "rm.chosen_ids");
        int[][] rejected = ints(golden, "rm.rejected_ids");
        float[] chosenScores = floats(golden, "rm.chosen_scores");
        float[] rejectedScores = floats(golden, "rm.rejected_scores");
        long[] promptLength = longs(golden, "rm.prompt_len");
        float[] perPair = new float[chosen.length];
        float[] chosenGradient = new float[chosenScores.length];
        float[] rejectedGradient = new float[chosenScores.length];
        int width = chosen[0].length;
        double sum = 0;
        for (int i = 0; i < perPair.length; i++) {
            PairwiseLoss.Outcome outcome = loss.of(new PairwiseLoss.Pair(
                    chosen[i],
                    rejected[i],
                    Arrays.copyOfRange(chosenScores, i * width, (i + 1) * width),
                    Arrays.copyOfRange(rejectedScores, i * width, (i + 1) * width),
                    (int) promptLength[i],
                    end(chosen[i], 0),
                    end(rejected[i], 0)));
            perPair[i] = (float) outcome.loss();
            sum += outcome.loss();
            for (int t = 0; t < width; t++) {
                chosenGradient[i * width + t] = outcome.chosenGradient()[t] / perPair.length;
                rejectedGradient[i * width + t] = outcome.rejectedGradient()[t] / perPair.length;
            }
        }
        within(difference(perPair, floats(golden, name + ".per_pair")), 1e-6, name + ".per_pair");
        within(Math.abs(sum / perPair.length - floats(golden, name + ".loss")[0]), 1e-6, name + ".loss");
        List<String> gradients = golden.names().stream()
                .filter(n -> n.startsWith(name + ".grad"))
                .sorted()
                .toList();
        assertThat(gradients).hasSize(2);
        within(difference(chosenGradient, floats(golden, gradients.getFirst())), 1e-6, gradients.getFirst());
        within(difference(rejectedGradient, floats(golden, gradients.getLast())), 1e-6, gradients.getLast());
    }

    @ParameterizedTest
    @EnumSource(PairwiseLoss.class)
    void lossesThroughARewardModelAreDeepSpeedsWithTheirGradients(PairwiseLoss loss) throws IOException {
        SafetensorsFile golden = open("bloom-rm");
        String name = loss.name().toLowerCase(Locale.ROOT);
        int[][] ids = ints(golden, "input_ids");
        long[] promptLength = longs(golden, "prompt_len");
        int width = ids[0].length;
        int pad = 3;
        List<int[]> rows =
                Arrays.stream(ids).map(row -> Arrays.copyOf(row, end(row, pad))).toList();
        int pairs = ids.length / 2;
        int[] lengths = new int[ids.length];
        Arrays.fill(lengths, width);
        try (Scope scope = Scope.open();
                ScoringModel model = ScoringModel.open(GOLDEN.resolve("bloom"), GOLDEN.resolve("bloom-rm"), TRAINING)) {
            model.parameters().forEach(p -> p.trainable(true));
            Tensor values = recordedValues(model, TokenBatch.padded(rows, lengths, pad));
            float[] all = values.toFloats();
            float[] gradient = new float[all.length];
            float[] perPair = new float[pairs];
            for (int i = 0; i < pairs; i++) {
                PairwiseLoss.Outcome outcome = loss.of(new PairwiseLoss.Pair(
                        ids[i],
                        ids[pairs + i],
                        Arrays.copyOfRange(all, i * width, (i + 1) * width),
                        Arrays.copyOfRange(all, (pairs + i) * width, (pairs + i + 1) * width),
                        (int) promptLength[i],
                        rows.get(i).length,
                        rows.get(pairs + i).length));
                perPair[i] = (float) outcome.loss();
                for (int t = 0; t < width; t++) {
                    gradient[i * width + t] = outcome.chosenGradient()[t] / pairs;
                    gradient[(pairs + i) * width + t] = outcome.rejectedGradient()[t] / pairs;
                }
            }
            within(difference(perPair, floats(golden, name + ".per_pair")), 1e-5, "bloom-rm " + name + ".per_pair");
            List<Parameter> parameters = model.parameters();
            List<Optional<Tensor>> gradients = Autograd.gradients(
                    values,
                    Tensor.of(gradient, gradient.length, 1),
                    parameters.stream().map(Parameter::value).toList());
            for (int i = 0; i < parameters.size(); i++) {
                String file = parameters
                        .get(i)
                        .name()
                        .replaceFirst("^transformer\\.", "")
                        .replace("score.weight", "v_head.weight");
                String array = name + ".grad." + file;
                if (golden.names().contains(array)) {
                    within(
                            difference(gradients.get(i).orElseThrow().toFloats(), floats(golden, array)),
                            2e-5,
                            "bloom-rm " + array);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bloom-seqcls", "llama-seqcls"})
    void threeStepsOfRewardTrainingAreTheReferences(String name) throws IOException {
        SafetensorsFile golden = open(name);
        JsonNode facts = new ObjectMapper()
                .readTree(Files.readAllBytes(GOLDEN.resolve(name).resolve("expected.json")));
        int[][] ids = ints(golden, "loss.input_ids");
        long[] mask = longs(golden, "loss.attention_mask");
        int width = ids[0].length;
        List<int[]> rows = new ArrayList<>();
        for (int r = 0; r < ids.length; r++) {
            int length = (int) Arrays.stream(mask, r * width, (r + 1) * width).sum();
            rows.add(Arrays.copyOf(ids[r], length));
        }
        try (Scope scope = Scope.open();
                ScoringModel model = ScoringModel.open(GOLDEN.resolve(name), TRAINING)) {
            model.parameters().forEach(p -> p.trainable(true));
            OptimizerSettings settings =
                    new OptimizerSettings(OptimizerSettings.Kind.ADAMW, 0.9, 0.999, 1e-8, 0.01, false);
            try (AdamW optimizer = new AdamW(model.parameters(), settings)) {
                for (int step = 0; step < 3; step++) {
                    double loss = accumulate(model, optimizer, rows);
                    within(
                            Math.abs(loss
                                    - facts.path("adamw")
                                            .path("loss_before_each_step")
                                            .path(step)
                                            .asDouble()),
                            1e-5,
                            name + " loss before step " + step);
                    if (step == 0) {
                        double norm = facts.path("grad_norm_all_params_l2").asDouble();
                        within(Math.abs(optimizer.gradientNorm() - norm) / norm, 1e-5, name + " gradient norm");
                        compare(golden, model, "grad.", name, 2e-5, optimizer);
                    }
                    optimizer.step(1e-3);
                }
                compare(golden, model, "adamw.step3.", name, 5e-5, optimizer);
            }
        }
    }

    /// Rows 0–2 are preferred to rows 3–5; whole answers, so only the last tokens count.
    private static double accumulate(ScoringModel model, AdamW optimizer, List<int[]> rows) {
        try (Scope scope = Scope.open()) {
            TokenBatch batch = TokenBatch.of(rows);
            Tensor values = recordedValues(model, batch);
            float[] all = values.toFloats();
            int[] last = batch.lastRows();
            float[] gradient = new float[all.length];
            int pairs = rows.size() / 2;
            double sum = 0;
            for (int i = 0; i < pairs; i++) {
                int c = last[i];
                int r = last[pairs + i];
                PairwiseLoss.Outcome outcome = PairwiseLoss.SENTENCE.of(new PairwiseLoss.Pair(
                        new int[1], new int[1], new float[] {all[c]}, new float[] {all[r]}, 0, 1, 1));
                sum += outcome.loss();
                gradient[c] = outcome.chosenGradient()[0] / pairs;
                gradient[r] = outcome.rejectedGradient()[0] / pairs;
            }
            List<Parameter> parameters = model.parameters();
            List<Optional<Tensor>> gradients = Autograd.gradients(
                    values,
                    Tensor.of(gradient, gradient.length, 1),
                    parameters.stream().map(Parameter::value).toList());
            for (int i = 0; i < parameters.size(); i++) {
                optimizer.accumulate(parameters.get(i), gradients.get(i).orElseThrow());
            }
            return sum / pairs;
        }
    }

    private static void compare(
            SafetensorsFile golden, ScoringModel model, String prefix, String name, double tolerance, AdamW optimizer) {
        int compared = 0;
        for (Parameter parameter : model.parameters()) {
            String array = prefix + parameter.name();
            if (golden.names().contains(array)) {
                Tensor ours = prefix.equals("grad.") ? optimizer.gradientOf(parameter) : parameter.value();
                within(difference(ours.toFloats(), floats(golden, array)), tolerance, name + " " + array);
                compared++;
            }
        }
        assertThat(compared).isEqualTo(3);
    }

    private static Tensor recordedValues(ScoringModel model, TokenBatch batch) {
        Decoder trunk = model.trunk();
        try (Autograd.Mode on = Autograd.on();
                Decoder.Pass pass = trunk.begin(batch, List.of())) {
            Tensor x = trunk.embed(pass);
            for (int layer = 0; layer < trunk.config().layers(); layer++) {
                x = trunk.block(layer, x, pass);
            }
            return model.head().apply(trunk.finish(x));
        }
    }

    private static int end(int[] ids, int pad) {
        int end = 0;
        while (end < ids.length && ids[end] != pad) {
            end++;
        }
        return end;
    }

    private static SafetensorsFile open(String name) {
        Path file = GOLDEN.resolve(name).resolve("expected.safetensors");
        Assumptions.assumeTrue(Files.isRegularFile(file), "Skipped: no golden fixtures at " + file);
        return SafetensorsFile.open(file);
    }

    private static int[][] ints(SafetensorsFile file, String name) {
        int columns = Math.toIntExact(file.shape(name)[1]);
        long[] values = longs(file, name);
        int[][] rows = new int[values.length / columns][columns];
        for (int i = 0; i < values.length; i++) {
            rows[i / columns][i % columns] = (int) values[i];
        }
        return rows;
    }

    private static long[] longs(SafetensorsFile file, String name) {
        try (Tensor tensor = file.tensor(name)) {
            return tensor.toLongs();
        }
    }

    private static float[] floats(SafetensorsFile file, String name) {
        try (Tensor tensor = file.tensor(name)) {
            return tensor.toFloats();
        }
    }

    private static double difference(float[] ours, float[] golden) {
        assertThat(ours).hasSameSizeAs(golden);
        double largest = 0;
        for (int i = 0; i < ours.length; i++) {
            largest = Math.max(largest, Math.abs(ours[i] - golden[i]));
        }
        return largest;
    }

    private static void within(double difference, double tolerance, String what) {
        System.out.printf("golden %-80s largest difference %.2e (tolerance %.0e)%n", what, difference, tolerance);
        assertThat(difference).as(what + ": largest difference").isLessThanOrEqualTo(tolerance);
    }
}
