package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderWeights;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.TokenBatch;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whole decodings of the golden models, driven without a cache: each step computes the sequences from the
/// start.
class GoldenDecodingTest {
    private static final int NEW_TOKENS = 16;
    private static final int BEAMS = 3;

    @ParameterizedTest
    @ValueSource(strings = {"bloom", "llama"})
    void greedyWithAndWithoutPenaltyGivesTheReferenceTokens(String name) throws IOException {
        try (Scope scope = Scope.open();
                Fixture fixture = Fixture.open(name)) {
            for (String run : List.of("gen", "gen_eos")) {
                greedy(fixture, run, ".greedy", SamplingParams.greedy());
                greedy(
                        fixture,
                        run,
                        ".greedy_rp1.3",
                        SamplingParams.greedy().toBuilder()
                                .repetitionPenalty(1.3)
                                .build());
            }
        }
    }

    private static void greedy(Fixture fixture, String run, String array, SamplingParams params) {
        List<int[]> prompts = fixture.prompts(run);
        for (int row = 0; row < prompts.size(); row++) {
            int[] prompt = prompts.get(row);
            Sampler sampler = new Sampler(params, prompt, fixture.eos(run), fixture.vocabulary());
            int last = -1;
            while (sampler.generated() < NEW_TOKENS && !sampler.ends(last)) {
                last = sampler.next(fixture.logits(List.of(join(prompt, sampler.generatedIds())))[0])
                        .id();
            }
            assertThat(fixture.padded(run, sampler.generatedIds()))
                    .as(run + array + " row " + row)
                    .isEqualTo(fixture.newTokens(run + array, row));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bloom", "llama"})
    void beamSearchGivesTheReferenceTokensAndScores(String name) throws IOException {
        SamplingParams params = SamplingParams.builder()
                .decoder(DecodingMethod.BEAM)
                .beams(BEAMS)
                .n(BEAMS)
                .maxNewTokens(NEW_TOKENS)
                .build();
        try (Scope scope = Scope.open();
                Fixture fixture = Fixture.open(name)) {
            for (String run : List.of("gen", "gen_eos")) {
                float[] scores = fixture.floats(run + ".beam3_all_scores");
                List<int[]> prompts = fixture.prompts(run);
                for (int row = 0; row < prompts.size(); row++) {
                    List<BeamSearch.Hypothesis> found = search(fixture, params, prompts.get(row), fixture.eos(run));
                    assertThat(found).hasSize(BEAMS);
                    for (int i = 0; i < BEAMS; i++) {
                        int at = row * BEAMS + i;
                        int[] ids = found.get(i).ids().stream()
                                .mapToInt(Integer::intValue)
                                .toArray();
                        assertThat(fixture.padded(run, ids))
                                .as(run + " row " + row + " answer " + i)
                                .isEqualTo(fixture.newTokens(run + ".beam3_all", at));
                        assertThat(found.get(i).score()).isCloseTo(scores[at], Offset.offset(1e-4));
                    }
                }
            }
        }
    }

    private static List<BeamSearch.Hypothesis> search(Fixture fixture, SamplingParams params, int[] prompt, int[] eos) {
        BeamSearch search = new BeamSearch(params, prompt, eos, fixture.vocabulary());
        while (!search.done()) {
            List<int[]> rows = IntStream.range(0, search.rows())
                    .mapToObj(beam -> join(prompt, search.generatedIds(beam)))
                    .toList();
            search.advance(fixture.logits(rows));
        }
        return search.best();
    }

    private static int[] join(int[] a, int[] b) {
        return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
    }

    /// A golden folder and its model.
    private record Fixture(Decoder decoder, SafetensorsFile arrays, String facts) implements AutoCloseable {
        static Fixture open(String name) throws IOException {
            Path directory = Path.of(System.getProperty("lingyu.shared", "../../shared"))
                    .resolve("golden")
                    .resolve(name);
            Assumptions.assumeTrue(
                    Files.isDirectory(directory),
                    "Skipped: the golden fixtures are not at " + directory.toAbsolutePath());
            ModelConfig config = ModelConfig.read(directory);
            return new Fixture(
                    DecoderWeights.load(directory, config, DType.F32, Device.CPU, false),
                    SafetensorsFile.open(directory.resolve("expected.safetensors")),
                    Files.readString(directory.resolve("expected.json")));
        }

        int vocabulary() {
            return Math.toIntExact(decoder.head().value().size(0));
        }

        /// Logits that follow each sequence.
        float[][] logits(List<int[]> sequences) {
            TokenBatch batch = TokenBatch.of(sequences);
            float[] all = decoder.logits(batch).toFloats();
            int vocabulary = vocabulary();
            return Arrays.stream(batch.lastRows())
                    .mapToObj(row -> Arrays.copyOfRange(all, row * vocabulary, (row + 1) * vocabulary))
                    .toArray(float[][]::new);
        }

        List<int[]> prompts(String run) {
            long[] ids = arrays.tensor(run + ".input_ids").toLongs();
            long[] mask = arrays.tensor(run + ".attention_mask").toLongs();
            int columns = Math.toIntExact(arrays.shape(run + ".input_ids")[1]);
            List<int[]> prompts = new ArrayList<>();
            for (int from = 0; from < ids.length; from += columns) {
                prompts.add(IntStream.range(from, from + columns)
                        .filter(i -> mask[i] == 1)
                        .map(i -> Math.toIntExact(ids[i]))
                        .toArray());
            }
            return prompts;
        }

        int[] newTokens(String array, int row) {
            int columns = Math.toIntExact(arrays.shape(array)[1]);
            int begin = Math.toIntExact(arrays.shape("gen.input_ids")[1]);
            return Arrays.stream(arrays.tensor(array).toLongs(), row * columns + begin, (row + 1) * columns)
                    .mapToInt(Math::toIntExact)
                    .toArray();
        }

        float[] floats(String array) {
            try (Tensor tensor = arrays.tensor(array)) {
                return tensor.toFloats();
            }
        }

        int[] eos(String run) {
            return run.equals("gen") ? new int[0] : new int[] {fact("\"eos_token_id\"")};
        }

        /// The reference fills finished rows with its padding id, up to the longest of the batch.
        int[] padded(String run, int[] ids) {
            int[] padded = Arrays.copyOf(ids, Math.max(ids.length, NEW_TOKENS));
            if (!run.equals("gen")) {
                Arrays.fill(padded, ids.length, padded.length, fact("\"pad_token_id\""));
            }
            return padded;
        }

        /// A number under `gen_eos` of `expected.json`.
        private int fact(String key) {
            Matcher number =
                    Pattern.compile("\"gen_eos\"[^}]*" + key + ": (\\d+)").matcher(facts);
            assertThat(number.find()).as(key).isTrue();
            return Integer.parseInt(number.group(1));
        }

        @Override
        public void close() {
            decoder.close();
        }
    }
}
