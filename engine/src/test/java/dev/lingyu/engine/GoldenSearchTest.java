package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Greedy, beam and contrastive search of every family through the engine, all requests of a folder in one
/// continuous batch with a sampling request beside them, against transformers' runs.
class GoldenSearchTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("lingyu.shared", "../../shared")).resolve("golden");
    private static final int NEW_TOKENS = 16;
    private static final int BEAMS = 3;

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
                "glm",
                "chatglm2",
                "baichuan"
            })
    void everySearchInOneBatchGivesTheReferenceTokens(String name) throws IOException {
        Path directory = GOLDEN.resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(directory), "Skipped: no golden fixtures at " + directory);
        JsonNode facts = new ObjectMapper().readTree(Files.readAllBytes(directory.resolve("expected.json")));
        long before = Tensor.liveCount();
        List<String> compared = new ArrayList<>();
        double worst = 0;
        try (LanguageModel model = LanguageModel.open(directory, LanguageModel.Options.inference());
                Engine engine = Engine.start(model, new EngineOptions(64, 4, 256, java.util.OptionalInt.empty()));
                SafetensorsFile golden = SafetensorsFile.open(directory.resolve("expected.safetensors"))) {
            List<Run> runs = new ArrayList<>();
            for (String kind : List.of("gen", "gen_eos")) {
                int[] eos = kind.equals("gen_eos")
                        ? new int[] {facts.path("gen_eos").path("eos_token_id").asInt(-1)}
                        : new int[0];
                collect(golden, engine, kind, eos, runs);
            }
            Generation beside = engine.submit(
                    new GenerationRequest(
                            runs.getFirst().prompt(),
                            SamplingParams.builder()
                                    .n(3)
                                    .maxNewTokens(24)
                                    .ignoreEos(true)
                                    .seed(5)
                                    .build()),
                    GenerationListener.none());
            for (Run run : runs) {
                worst = Math.max(worst, run.compare());
                compared.add(run.what());
            }
            assertThat(beside.await().choices()).hasSize(3);
        }
        assertThat(Tensor.liveCount()).as("tensors left open").isEqualTo(before);
        System.out.printf(
                "golden %s: %d searches exact, beam scores differ by at most %.2e%n", name, compared.size(), worst);
    }

    /// A search that runs.
    private record Run(
            String what,
            int[] prompt,
            Generation generation,
            List<int[]> answers,
            float[] scores,
            int[] eos,
            long pad) {
        /// @return the largest difference of a score
        double compare() {
            List<GenerationResult.Choice> choices = generation.await().choices();
            assertThat(choices).as(what).hasSize(answers.size());
            double worst = 0;
            for (int i = 0; i < answers.size(); i++) {
                int[] found = choices.get(i).ids();
                int[] want = answers.get(i);
                assertThat(found).as(what + " answer " + i).containsExactly(Arrays.copyOf(want, found.length));
                // What stands behind an answer that ended early is padding.
                for (int t = found.length; t < want.length; t++) {
                    assertThat((long) want[t])
                            .as(what + " answer " + i + " behind its end")
                            .isEqualTo(pad);
                }
                boolean ended = Arrays.stream(eos).anyMatch(e -> e == found[found.length - 1]);
                assertThat(choices.get(i).reason()).isEqualTo(ended ? FinishReason.STOP : FinishReason.LENGTH);
                if (scores.length > 0) {
                    double score = choices.get(i).score().orElseThrow();
                    assertThat(score).as(what + " score " + i).isCloseTo(scores[i], within(1e-4));
                    worst = Math.max(worst, Math.abs(score - scores[i]));
                }
            }
            return worst;
        }
    }

    private static void collect(SafetensorsFile golden, Engine engine, String kind, int[] eos, List<Run> runs)
            throws IOException {
        if (!golden.names().contains(kind + ".greedy")) {
            return;
        }
        String ids = golden.names().contains(kind + ".input_ids") ? kind : "gen";
        List<int[]> prompts = prompts(golden, ids);
        int width = Math.toIntExact(golden.shape(ids + ".input_ids")[1]);
        long pad = engine.model().config().tokens().pad().orElse(0);
        SamplingParams.Builder common = SamplingParams.builder()
                .maxNewTokens(NEW_TOKENS)
                .ignoreEos(true)
                .stopTokenIds(Arrays.stream(eos).boxed().toList());
        for (int row = 0; row < prompts.size(); row++) {
            int[] prompt = prompts.get(row);
            String what = kind + " row " + row;
            List<int[]> greedy = rows(golden, kind + ".greedy", width, row, 1);
            runs.add(run(
                    what + " greedy",
                    engine,
                    prompt,
                    common.decoder(DecodingMethod.GREEDY).n(1).build(),
                    greedy,
                    new float[0],
                    eos,
                    pad));
            runs.add(run(
                    what + " beam",
                    engine,
                    prompt,
                    common.decoder(DecodingMethod.BEAM).beams(BEAMS).n(BEAMS).build(),
                    rows(golden, kind + ".beam3_all", width, row * BEAMS, BEAMS),
                    Arrays.copyOfRange(floats(golden, kind + ".beam3_all_scores"), row * BEAMS, (row + 1) * BEAMS),
                    eos,
                    pad));
            if (golden.names().contains(kind + ".contrastive_new_tokens")) {
                runs.add(run(
                        what + " contrastive",
                        engine,
                        prompt,
                        common.decoder(DecodingMethod.CONTRASTIVE)
                                .n(1)
                                .penaltyAlpha(0.6)
                                .contrastiveTopK(4)
                                .build(),
                        rows(golden, kind + ".contrastive_new_tokens", 0, row, 1),
                        new float[0],
                        eos,
                        pad));
            }
        }
    }

    private static Run run(
            String what,
            Engine engine,
            int[] prompt,
            SamplingParams params,
            List<int[]> answers,
            float[] scores,
            int[] eos,
            long pad) {
        Generation generation = engine.submit(new GenerationRequest(prompt, params), GenerationListener.none());
        return new Run(what, prompt, generation, answers, scores, eos, pad);
    }

    /// Rows of an id matrix, without the prompt's columns.
    private static List<int[]> rows(SafetensorsFile golden, String array, int skip, int from, int count) {
        int columns = Math.toIntExact(golden.shape(array)[1]);
        long[] values = longs(golden, array);
        return IntStream.range(from, from + count)
                .mapToObj(r -> Arrays.stream(values, r * columns + skip, (r + 1) * columns)
                        .mapToInt(Math::toIntExact)
                        .toArray())
                .toList();
    }

    private static List<int[]> prompts(SafetensorsFile golden, String kind) {
        int width = Math.toIntExact(golden.shape(kind + ".input_ids")[1]);
        long[] ids = longs(golden, kind + ".input_ids");
        long[] mask = longs(golden, kind + ".attention_mask");
        return IntStream.range(0, ids.length / width)
                .mapToObj(row -> IntStream.range(row * width, (row + 1) * width)
                        .filter(i -> mask[i] == 1)
                        .map(i -> (int) ids[i])
                        .toArray())
                .toList();
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
}
