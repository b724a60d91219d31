package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class BeamSearchTest {
    private static final int EOS = 0;
    private static final int[] PROMPT = {1, 2};

    /// A model of small vocabulary: logits are a function of the generated ids.
    private record TableModel(long seed, int vocabulary) {
        float[] logits(int[] generated) {
            Random random = new Random(seed * 31 + Arrays.hashCode(generated));
            float[] row = new float[vocabulary];
            for (int i = 0; i < vocabulary; i++) {
                row[i] = (float) random.nextGaussian() * 2;
            }
            return row;
        }

        double logprob(int[] generated, int token) {
            float[] row = logits(generated);
            double sum = IntStream.range(0, vocabulary)
                    .mapToDouble(i -> Math.exp(row[i]))
                    .sum();
            return row[token] - Math.log(sum);
        }
    }

    @Property(tries = 100)
    void withEnoughBeamsTheBestOfAllAnswersIsFound(
            @ForAll long seed, @ForAll @IntRange(min = 0, max = 2) int exponent) {
        // 3 tokens that go on, 4 steps: 27 running beams at most before the last step, so nothing is ever
        // dropped.
        int length = 4;
        TableModel model = new TableModel(seed, 4);
        SamplingParams params = beam(64).maxNewTokens(length)
                .lengthPenalty(exponent)
                .earlyStopping(EarlyStopping.NEVER)
                .build();
        List<BeamSearch.Hypothesis> all = new ArrayList<>();
        enumerate(model, new int[0], 0, length, exponent, all);
        all.sort(Comparator.comparingDouble(BeamSearch.Hypothesis::score).reversed());

        BeamSearch.Hypothesis best = run(model, params).getFirst();

        assertThat(best.ids()).isEqualTo(all.getFirst().ids());
        assertThat(best.score()).isCloseTo(all.getFirst().score(), Offset.offset(1e-4));
        assertThat(best.ended()).isEqualTo(all.getFirst().ended());
    }

    private static void enumerate(
            TableModel model, int[] ids, double sum, int length, double exponent, List<BeamSearch.Hypothesis> all) {
        for (int token = 0; token < model.vocabulary(); token++) {
            int[] longer = Arrays.copyOf(ids, ids.length + 1);
            longer[ids.length] = token;
            double total = sum + model.logprob(ids, token);
            if (token == EOS || longer.length == length) {
                all.add(new BeamSearch.Hypothesis(
                        Arrays.stream(longer).boxed().toList(),
                        List.of(),
                        total / Math.pow(longer.length, exponent),
                        token == EOS));
            } else {
                enumerate(model, longer, total, length, exponent, all);
            }
        }
    }

    @Property(tries = 200)
    void oneBeamIsGreedyDecodingUntilAnAnswerEnds(@ForAll long seed) {
        TableModel model = new TableModel(seed, 8);
        Sampler greedy = new Sampler(SamplingParams.greedy(), PROMPT, new int[] {EOS}, 8);
        int last = -1;
        while (greedy.generated() < 10 && last != EOS) {
            last = greedy.next(model.logits(greedy.generatedIds())).id();
        }

        BeamSearch.Hypothesis best = run(
                        model,
                        beam(1).maxNewTokens(10)
                                .earlyStopping(EarlyStopping.AT_ONCE)
                                .build())
                .getFirst();

        assertThat(best.ids())
                .isEqualTo(Arrays.stream(greedy.generatedIds()).boxed().toList());
    }

    @Test
    void parentsSayWhichBeamEachExtensionContinues() {
        BeamSearch search = new BeamSearch(beam(2).build(), PROMPT, new int[] {EOS}, 4);

        assertThat(search.rows()).isEqualTo(1);
        assertThat(search.advance(new float[][] {{-9, 3, 2, 0}}))
                .containsExactly(new BeamSearch.Extension(0, 1), new BeamSearch.Extension(0, 2));
        assertThat(search.rows()).isEqualTo(2);
        // The second beam is sure of token 3, the first spreads its mass: (1 -> 1), (1 -> 2) lose to (2 -> 3).
        assertThat(search.advance(new float[][] {{-9, 1, 1, 1}, {-9, -9, -9, 9}}))
                .containsExactly(new BeamSearch.Extension(1, 3), new BeamSearch.Extension(0, 1));
        assertThat(search.generatedIds(0)).containsExactly(2, 3);
        assertThat(search.generatedIds(1)).containsExactly(1, 1);
    }

    @Test
    void anEndTokenRankedBehindTheBeamsIsNotTaken() {
        BeamSearch search = new BeamSearch(beam(2).maxNewTokens(1).build(), PROMPT, new int[] {EOS}, 4);

        search.advance(new float[][] {{1, 3, 2, 0}});

        assertThat(search.done()).isTrue();
        assertThat(search.best()).hasSize(1).first().satisfies(best -> {
            assertThat(best.ids()).containsExactly(1);
            assertThat(best.ended()).isFalse();
        });
    }

    @Test
    void stoppingAtOnceDoesNotWaitForABetterRunningBeam() {
        // Step 1: the end token ranks second; step 2: again. Two finished answers, while the running beam is
        // better.
        float[][] first = {{2, 3, -9, -9}};
        float[][] second = {{4, 5, -9, -9}, {-9, -9, -9, -9}};
        for (EarlyStopping stopping : EarlyStopping.values()) {
            BeamSearch search = new BeamSearch(beam(2).earlyStopping(stopping).build(), PROMPT, new int[] {EOS}, 4);
            search.advance(copy(first));
            search.advance(copy(second));
            assertThat(search.done()).isEqualTo(stopping == EarlyStopping.AT_ONCE);
        }
    }

    @Test
    void bansAndPenaltiesHoldForEveryBeamByItself() {
        SamplingParams params =
                beam(2).noRepeatNgram(1).maxNewTokens(2).minNewTokens(2).n(2).build();

        List<BeamSearch.Hypothesis> found = run(new TableModel(5, 5), params);

        for (BeamSearch.Hypothesis hypothesis : found) {
            assertThat(hypothesis.ids()).hasSize(2).doesNotHaveDuplicates().doesNotContain(1, 2, EOS);
        }
        assertThat(found)
                .extracting(BeamSearch.Hypothesis::ids)
                .containsExactlyInAnyOrder(List.of(3, 4), List.of(4, 3));
    }

    @Test
    void logprobsAreThoseOfTheModelWhateverThePenalties() {
        TableModel model = new TableModel(9, 6);

        for (double penalty : new double[] {1, 1.7}) {
            BeamSearch.Hypothesis best = run(
                            model,
                            beam(3).repetitionPenalty(penalty).maxNewTokens(5).build())
                    .getFirst();
            int[] ids = best.ids().stream().mapToInt(Integer::intValue).toArray();
            assertThat(best.logprobs()).hasSameSizeAs(best.ids());
            for (int i = 0; i < ids.length; i++) {
                assertThat((double) best.logprobs().get(i))
                        .isCloseTo(model.logprob(Arrays.copyOf(ids, i), ids[i]), Offset.offset(1e-5));
            }
        }
    }

    @Test
    void theEndOfTheContextCutsLikeTheLengthLimit() {
        BeamSearch search =
                new BeamSearch(beam(2).minNewTokens(3).build(), PROMPT, new int[] {EOS}, 4, 1, ids -> false);

        assertThat(search.advance(new float[][] {{9, 3, 2, 0}})).isEmpty();
        assertThat(search.done()).isTrue();
        assertThat(search.best()).hasSize(1).allMatch(answer -> !answer.ended());
    }

    @Test
    void brokenLogitsAreReported() {
        BeamSearch search = new BeamSearch(beam(2).build(), PROMPT, new int[] {EOS}, 4);

        assertThatThrownBy(() -> search.advance(new float[][] {{0, Float.NaN, 0, 0}}))
                .isInstanceOf(SamplingException.class)
                .hasMessageContaining("NaN");
    }

    private static SamplingParams.Builder beam(int beams) {
        return SamplingParams.builder().decoder(DecodingMethod.BEAM).beams(beams);
    }

    private static float[][] copy(float[][] rows) {
        return Arrays.stream(rows).map(float[]::clone).toArray(float[][]::new);
    }

    private static List<BeamSearch.Hypothesis> run(TableModel model, SamplingParams params) {
        BeamSearch search = new BeamSearch(params, PROMPT, new int[] {EOS}, model.vocabulary());
        while (!search.done()) {
            search.advance(IntStream.range(0, search.rows())
                    .mapToObj(beam -> model.logits(search.generatedIds(beam)))
                    .toArray(float[][]::new));
        }
        return search.best();
    }
}
