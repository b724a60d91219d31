package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Greedy generation of prompts of different lengths in one batch against transformers' left-padded runs.
class GoldenGenerationTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("lingyu.shared", "../../shared")).resolve("golden");

    @ParameterizedTest
    @ValueSource(strings = {"bloom", "bloom-nhead5", "llama", "llama-gqa", "llama-rope-llama3"})
    void batchedGreedyTokensEqualTheReferenceWithAndWithoutAPenalty(String name) throws IOException {
        Path directory = GOLDEN.resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(directory), "Skipped: no golden fixtures at " + directory);
        long before = Tensor.liveCount();
        try (LanguageModel model = LanguageModel.open(directory, LanguageModel.Options.inference());
                Engine engine = Engine.start(model, EngineOptions.defaults());
                SafetensorsFile golden = SafetensorsFile.open(directory.resolve("expected.safetensors"))) {
            SamplingParams greedy = SamplingParams.greedy().toBuilder()
                    .maxNewTokens(16)
                    .ignoreEos(true)
                    .build();
            compare(golden, engine, "gen.greedy", greedy);
            compare(
                    golden,
                    engine,
                    "gen.greedy_rp1.3",
                    greedy.toBuilder().repetitionPenalty(1.3).build());
        }
        assertThat(Tensor.liveCount()).as("tensors left open").isEqualTo(before);
    }

    private static void compare(SafetensorsFile golden, Engine engine, String array, SamplingParams params) {
        long[] ids = read(golden, "gen.input_ids");
        long[] mask = read(golden, "gen.attention_mask");
        long[] expected = read(golden, array);
        int rows = (int) golden.shape("gen.input_ids")[0];
        int width = ids.length / rows;
        int total = expected.length / rows;
        List<Generation> running = new ArrayList<>();
        for (int r = 0; r < rows; r++) {
            int row = r;
            int[] prompt = java.util.stream.IntStream.range(0, width)
                    .filter(c -> mask[row * width + c] == 1)
                    .map(c -> (int) ids[row * width + c])
                    .toArray();
            running.add(engine.submit(new GenerationRequest(prompt, params), GenerationListener.none()));
        }
        for (int r = 0; r < rows; r++) {
            int[] want = Arrays.stream(expected, r * total + width, (r + 1) * total)
                    .mapToInt(i -> (int) i)
                    .toArray();
            assertThat(running.get(r).await().choices().getFirst().ids())
                    .as(array + ", row " + r)
                    .containsExactly(want);
        }
    }

    private static long[] read(SafetensorsFile file, String name) {
        try (Tensor tensor = file.tensor(name)) {
            return tensor.toLongs();
        }
    }
}
