package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Scores and probabilities of the reference's logits processors, case by case.
class GoldenLogitsTest {
    private static final int ROWS = 3;
    private static final int VOCABULARY = 64;
    private static final int LENGTH = 10;
    private static final int[] EOS = {2};

    /// @param minTokensToKeep Hugging Face's `min_tokens_to_keep`
    /// @param prompt how many of the ten ids are the prompt; the rest counts as generated
    private record Case(UnaryOperator<SamplingParams.Builder> settings, int minTokensToKeep, int prompt) {
        Case(UnaryOperator<SamplingParams.Builder> settings) {
            this(settings, 1, LENGTH);
        }
    }

    private static final Map<String, Case> CASES = new TreeMap<>(Map.ofEntries(
            Map.entry("repetition_1.3", new Case(b -> b.repetitionPenalty(1.3))),
            Map.entry("repetition_0.8", new Case(b -> b.repetitionPenalty(0.8))),
            Map.entry("temperature_0.7", new Case(b -> b.temperature(0.7))),
            Map.entry("top_k_8", new Case(b -> b.topK(8))),
            Map.entry("top_p_0.8", new Case(b -> b.topP(0.8))),
            Map.entry("top_p_0.05_keep2", new Case(b -> b.topP(0.05), 2, LENGTH)),
            Map.entry("min_p_0.1", new Case(b -> b.minP(0.1))),
            Map.entry("typical_p_0.5", new Case(b -> b.typicalP(0.5))),
            Map.entry("no_repeat_ngram_2", new Case(b -> b.noRepeatNgram(2))),
            Map.entry("no_repeat_ngram_3", new Case(b -> b.noRepeatNgram(3))),
            // min_length counts the prompt as well: the whole row is "generated" here.
            Map.entry("min_length_12_eos2", new Case(b -> b.minNewTokens(12), 1, 0)),
            Map.entry("min_new_tokens_3_prompt8_eos2", new Case(b -> b.minNewTokens(3), 1, 8)),
            Map.entry("bad_words_7_and_4-4", new Case(b -> b.badWords(List.of(List.of(7), List.of(4, 4))))),
            Map.entry(
                    "chain_rep1.1_ngram3_minlen12_t0.95_k20_p0.7",
                    new Case(
                            b -> b.repetitionPenalty(1.1)
                                    .noRepeatNgram(3)
                                    .minNewTokens(12)
                                    .temperature(0.95)
                                    .topK(20)
                                    .topP(0.7),
                            1,
                            0))));

    @TestFactory
    List<DynamicTest> scoresAndProbabilitiesEqualTheReference() {
        Path file = Path.of(System.getProperty("lingyu.shared", "../../shared"))
                .resolve("golden/logits-processors/expected.safetensors");
        Assumptions.assumeTrue(
                Files.isRegularFile(file), "Skipped: the golden fixtures are not at " + file.toAbsolutePath());
        SafetensorsFile arrays = SafetensorsFile.open(file);
        List<DynamicTest> tests = new ArrayList<>();
        List<String> recorded = arrays.names().stream()
                .filter(name -> name.endsWith(".scores"))
                .map(name -> name.substring(0, name.length() - ".scores".length()))
                .toList();
        tests.add(DynamicTest.dynamicTest(
                "every recorded case is compared",
                () -> assertThat(CASES.keySet()).containsExactlyInAnyOrderElementsOf(recorded)));
        CASES.forEach(
                (name, settings) -> tests.add(DynamicTest.dynamicTest(name, () -> compare(arrays, name, settings))));
        return tests;
    }

    private static void compare(SafetensorsFile arrays, String name, Case settings) {
        long[] ids = longs(arrays, "input_ids");
        float[] scores = floats(arrays, "scores");
        float[] expectedScores = floats(arrays, name + ".scores");
        float[] expectedProbabilities = floats(arrays, name + ".probs");
        for (int row = 0; row < ROWS; row++) {
            int[] tokens = Arrays.stream(ids, row * LENGTH, (row + 1) * LENGTH)
                    .mapToInt(Math::toIntExact)
                    .toArray();
            Sampler sampler = new Sampler(
                    settings.settings().apply(SamplingParams.builder()).build(),
                    Arrays.copyOf(tokens, settings.prompt()),
                    EOS,
                    VOCABULARY);
            for (int i = settings.prompt(); i < LENGTH; i++) {
                sampler.accept(tokens[i]);
            }
            float[] logits = Arrays.copyOfRange(scores, row * VOCABULARY, (row + 1) * VOCABULARY);
            float[] untouched = logits.clone();

            float[] actual = sampler.processedScores(logits, settings.minTokensToKeep());
            float[] probabilities = sampler.probabilities(logits, settings.minTokensToKeep());

            assertThat(logits).containsExactly(untouched);
            for (int id = 0; id < VOCABULARY; id++) {
                int at = row * VOCABULARY + id;
                String where = name + ", row " + row + ", id " + id;
                float expected = expectedScores[at];
                if (Float.isInfinite(expected)) {
                    assertThat(actual[id]).as(where).isEqualTo(expected);
                } else {
                    float tolerance = 2 * Math.ulp(expected);
                    assertThat(actual[id]).as(where).isBetween(expected - tolerance, expected + tolerance);
                }
                assertThat((double) probabilities[id])
                        .as(where)
                        .isBetween(expectedProbabilities[at] - 1e-5, expectedProbabilities[at] + 1e-5);
            }
        }
    }

    private static float[] floats(SafetensorsFile arrays, String name) {
        try (Tensor tensor = arrays.tensor(name)) {
            return tensor.toFloats();
        }
    }

    private static long[] longs(SafetensorsFile arrays, String name) {
        try (Tensor tensor = arrays.tensor(name)) {
            return tensor.toLongs();
        }
    }
}
