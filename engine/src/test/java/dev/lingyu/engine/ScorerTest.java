package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScorerTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("lingyu.shared", "../../shared")).resolve("golden");

    private static final Random RANDOM = new Random(5);
    private static final List<int[]> ROWS = List.of(row(7), row(1), row(23), row(2), row(40), row(9));

    @BeforeEach
    void goldenModelsAreThere() {
        Assumptions.assumeTrue(Files.isDirectory(GOLDEN), "Skipped: no golden fixtures at " + GOLDEN);
    }

    private static int[] row(int tokens) {
        return IntStream.generate(() -> 8 + RANDOM.nextInt(500)).limit(tokens).toArray();
    }

    /// Piece sizes that cut rows in every way: whole, at their ends, inside; heads of one row and of all.
    @ParameterizedTest
    @CsvSource({"bloom,1024,1000", "bloom,8,3", "llama-gqa,16,1", "llama-gqa,1,7", "gpt2,10,5"})
    void scoresAreThoseOfAllLogitsHoweverTheWorkIsCut(String name, int batchTokens, int headRows) {
        long before = Tensor.liveCount();
        try (LanguageModel model = open(name)) {
            List<Scorer.Score> scores = new Scorer(model.decoder(), batchTokens, headRows).score(ROWS);
            assertThat(scores).hasSize(ROWS.size());
            for (int r = 0; r < ROWS.size(); r++) {
                int[] ids = ROWS.get(r);
                Scorer.Score score = scores.get(r);
                assertThat(score.tokens()).isEqualTo(ids.length);
                assertThat(score.tokenLogprobs()).hasSize(ids.length);
                assertThat(score.tokenLogprobs()[0]).isNaN();
                double sum = 0;
                try (Scope scope = Scope.open();
                        Autograd.Mode off = Autograd.off()) {
                    float[] all = model.decoder()
                            .logits(TokenBatch.of(ids))
                            .logSoftmax(-1)
                            .toFloats();
                    for (int t = 1; t < ids.length; t++) {
                        float want = all[(t - 1) * 512 + ids[t]];
                        sum += want;
                        assertThat(score.tokenLogprobs()[t])
                                .as("row " + r + ", token " + t)
                                .isCloseTo(want, within(1e-4f));
                    }
                }
                assertThat(score.logprob()).isCloseTo(sum, within(1e-3));
            }
        }
        assertThat(Tensor.liveCount()).as("tensors left open").isEqualTo(before);
    }

    @Test
    void perplexityCountsOnlyPredictedTokens() {
        float nan = Float.NaN;
        assertThat(Scorer.perplexity(List.of(
                        new Scorer.Score(new float[] {nan, -1, -2}, -3, 3),
                        new Scorer.Score(new float[] {nan, -3}, -3, 2),
                        new Scorer.Score(new float[] {nan}, 0, 1))))
                .isCloseTo(Math.exp(2), within(1e-12));
        assertThat(Scorer.perplexity(List.of())).isNaN();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 512})
    void anIdThatTheModelDoesNotHaveIsRefusedByRow(int id) {
        try (LanguageModel model = open("bloom")) {
            Scorer scorer = new Scorer(model.decoder());
            assertThatThrownBy(() -> scorer.score(List.of(new int[] {9}, new int[] {9, id})))
                    .isInstanceOf(EngineException.class)
                    .hasMessage("Row 2 to score holds the token id " + id + "; this model has the ids 0 to 511.");
            assertThatThrownBy(() -> scorer.score(List.of(new int[0])))
                    .isInstanceOf(EngineException.class)
                    .hasMessageStartingWith("Row 1 to score is empty");
        }
    }

    @Test
    void aRowBeyondLearnedPositionsIsRefused() {
        try (LanguageModel model = open("gpt2")) {
            int positions = model.decoder().config().maxPositions();
            assertThatThrownBy(() -> new Scorer(model.decoder()).score(List.of(new int[positions + 1])))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("has learned " + positions + " positions");
        }
    }

    private static LanguageModel open(String name) {
        return LanguageModel.open(
                GOLDEN.resolve(name), LanguageModel.Options.inference().with(DType.F32, Device.CPU));
    }
}
