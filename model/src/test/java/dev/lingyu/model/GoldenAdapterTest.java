package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every recorded adapter on its base, against what PEFT computed.
class GoldenAdapterTest {
    @TempDir
    Path directory;

    static List<String> adapters() {
        return List.of(
                "bloom-embedding-and-head",
                "bloom-lora",
                "llama-embedding-and-head",
                "llama-embedding-dora",
                "llama-lora",
                "peft-bloom-all-linear",
                "peft-bloom-bias-rslora",
                "peft-bloom-dora",
                "peft-bloom-ia3",
                "peft-gpt2-conv1d",
                "peft-llama-all-linear",
                "peft-llama-dora",
                "peft-llama-ia3",
                "peft-llama-modules-to-save",
                "peft-llama-patterns-rslora",
                "peft-llama-regex");
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void logitsEqualTheReferenceAdaptedMergedAndUnmerged(String name) throws IOException {
        Golden golden = Golden.open(name);
        try (Scope scope = Scope.open();
                Decoder decoder = base(golden)) {
            float[] before = fullLogits(golden, decoder);
            decoder.adapters().load("golden", golden.directory());
            assertThat(fullLogits(golden, decoder)).as("before it is used").isEqualTo(before);
            decoder.adapters().use("golden");
            for (String batch : List.of("left", "right", "full")) {
                compareLogits(golden, decoder, batch + ".logits", batch, name);
            }
            float[] adapted = fullLogits(golden, decoder);
            decoder.adapters().merge();
            compareLogits(golden, decoder, "merged.full.logits", "full", name);
            compareMergedWeights(golden, decoder, name);
            compareGreedy(golden, decoder, name);
            decoder.adapters().unmerge();
            assertThat(fullLogits(golden, decoder)).as("unmerged").isEqualTo(adapted);
            decoder.adapters().use();
            assertThat(fullLogits(golden, decoder)).as("switched off").isEqualTo(before);
        }
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void lossAndGradientsEqualTheReference(String name) throws IOException {
        Golden golden = Golden.open(name);
        try (Scope scope = Scope.open();
                Decoder decoder = base(golden)) {
            Adapter adapter = decoder.adapters().load("golden", golden.directory());
            decoder.adapters().use("golden");
            adapter.trainable(true);
            // The reference dropped nothing, though the adapters' settings say 0.05.
            decoder.dropout().enabled(false);
            List<int[]> rows = golden.sequences("loss.input_ids", "loss.attention_mask");
            Tensor loss = GoldenLoss.mean(
                    GoldenLoss.recordedLogits(decoder, TokenBatch.of(rows)), GoldenLoss.nextTokenLabels(golden, rows));
            Golden.within(Math.abs(loss.item() - golden.array("loss.value").item()), 1e-5, name + " loss.value");
            List<Parameter> parameters = adapter.parameters();
            List<Optional<Tensor>> gradients = Autograd.gradients(
                    loss,
                    Tensor.of(new float[] {1}),
                    parameters.stream().map(Parameter::value).toList());
            List<String> arrays = golden.names("grad.");
            assertThat(parameters.stream().map(p -> "grad." + p.name()))
                    .as("what is trained")
                    .containsExactlyInAnyOrderElementsOf(arrays);
            double worst = -1;
            String worstName = "";
            for (int i = 0; i < parameters.size(); i++) {
                String array = "grad." + parameters.get(i).name();
                double difference = Golden.largestDifference(
                        gradients.get(i).orElseThrow().toFloats(),
                        golden.array(array).toFloats());
                assertThat(difference)
                        .as(name + " " + array + ": largest difference")
                        .isLessThanOrEqualTo(2e-5);
                if (difference > worst) {
                    worst = difference;
                    worstName = array;
                }
            }
            Golden.within(worst, 2e-5, name + " " + arrays.size() + " grad, worst " + worstName);
            assertThat(adapter.parameterCount())
                    .isEqualTo(golden.facts().path("trainable_parameters").asLong());
        }
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void anAdapterSavedAndLoadedAgainIsTheSameToTheBit(String name) throws IOException {
        Golden golden = Golden.open(name);
        try (Scope scope = Scope.open();
                Decoder decoder = base(golden)) {
            Adapter first = decoder.adapters().load("golden", golden.directory());
            decoder.adapters().use("golden");
            float[] logits = fullLogits(golden, decoder);
            first.save(directory, "../base");
            Adapter second = decoder.adapters().load("again", directory);
            decoder.adapters().use("again");
            assertThat(fullLogits(golden, decoder)).isEqualTo(logits);
            assertThat(second.modules()).isEqualTo(first.modules());
            assertThat(second.config().base()).contains("../base");
        }
    }

    private static Decoder base(Golden golden) {
        Path base = golden.directory()
                .resolve("..")
                .resolve(golden.facts().path("base").asText())
                .normalize();
        return DecoderWeights.load(base, ModelConfig.read(base), DType.F32, Device.CPU, false);
    }

    private static float[] fullLogits(Golden golden, Decoder decoder) {
        try (Scope scope = Scope.open()) {
            return decoder.logits(TokenBatch.of(golden.sequences("full.input_ids", "full.attention_mask")))
                    .toFloats();
        }
    }

    private static void compareLogits(Golden golden, Decoder decoder, String array, String batch, String name) {
        String mask = batch + ".attention_mask";
        Tensor logits = decoder.logits(TokenBatch.of(golden.sequences(batch + ".input_ids", mask)));
        Golden.within(golden.largestDifferenceAtRealPositions(logits, array, mask), 1e-4, name + " " + array);
    }

    private static void compareMergedWeights(Golden golden, Decoder decoder, String name) {
        int compared = 0;
        for (String array : golden.names("merged.")) {
            if (!array.equals("merged.full.logits")) {
                Parameter parameter = decoder.parameter(array.substring("merged.".length()));
                Golden.within(
                        Golden.largestDifference(
                                parameter.asInFiles(parameter.value()).toFloats(),
                                golden.array(array).toFloats()),
                        1e-5,
                        name + " " + array);
                compared++;
            }
        }
        assertThat(compared).as("merged weights of " + name).isPositive();
    }

    private static void compareGreedy(Golden golden, Decoder decoder, String name) {
        List<int[]> prompts = golden.sequences("gen.input_ids", "gen.attention_mask");
        long[] expected = golden.array("gen.greedy").toLongs();
        int columns = expected.length / prompts.size();
        for (int r = 0; r < prompts.size(); r++) {
            int[] ids = prompts.get(r);
            for (int i = 0; i < 16; i++) {
                try (Scope scope = Scope.open()) {
                    Tensor logits = decoder.logits(TokenBatch.of(List.of(ids)));
                    ids = Arrays.copyOf(ids, ids.length + 1);
                    ids[ids.length - 1] =
                            (int) logits.select(0, ids.length - 2).argmax(-1).item();
                }
            }
            long[] row = Arrays.copyOfRange(expected, (r + 1) * columns - 16, (r + 1) * columns);
            assertThat(Arrays.stream(ids, ids.length - 16, ids.length)
                            .asLongStream()
                            .toArray())
                    .as(name + " gen.greedy, row " + r)
                    .isEqualTo(row);
        }
    }
}
