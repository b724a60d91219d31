package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final int[] EOS = {2};
    private static final float NEVER = Float.NEGATIVE_INFINITY;

    @Test
    void drawsFollowTheProbabilities() {
        float[] logits = new float[32];
        Random random = new Random(7);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian() * 1.5f;
        }
        SamplingParams params = SamplingParams.builder()
                .seed(20_261_124)
                .temperature(1.3)
                .topP(0.95)
                .build();
        Sampler sampler = new Sampler(params, new int[] {1}, EOS, logits.length);
        float[] expected = sampler.probabilities(logits, 1);
        int draws = 100_000;
        int[] counts = new int[logits.length];
        for (int i = 0; i < draws; i++) {
            counts[sampler.next(logits).id()]++;
        }
        double chiSquare = 0;
        int possible = 0;
        for (int id = 0; id < logits.length; id++) {
            if (expected[id] == 0) {
                assertThat(counts[id]).isZero();
                continue;
            }
            possible++;
            double off = counts[id] - draws * (double) expected[id];
            chiSquare += off * off / (draws * (double) expected[id]);
        }
        assertThat(possible).isBetween(15, 31);
        // Mean = degrees of freedom, standard deviation = sqrt(2 * degrees): five of them.
        int degrees = possible - 1;
        assertThat(chiSquare).isLessThan(degrees + 5 * Math.sqrt(2.0 * degrees));
    }

    @Test
    void otherSeedsAndOtherAnswersDrawOtherTokens() {
        int[] first = run(1, 0);

        assertThat(run(1, 0)).isEqualTo(first);
        assertThat(run(2, 0)).isNotEqualTo(first);
        assertThat(run(1, 1)).isNotEqualTo(first);
    }

    @Test
    void withoutASeedEveryAnswerIsDrawnAnewAndItsSeedCanBeAskedFor() {
        Sampler one = new Sampler(SamplingParams.builder().build(), new int[0], EOS, 1000);
        Sampler other = new Sampler(SamplingParams.builder().build(), new int[0], EOS, 1000);

        assertThat(one.seed()).isNotEqualTo(other.seed());
        Sampler again = new Sampler(SamplingParams.builder().seed(one.seed()).build(), new int[0], EOS, 1000);
        for (int i = 0; i < 20; i++) {
            assertThat(again.next(new float[1000]).id())
                    .isEqualTo(one.next(new float[1000]).id());
        }
    }

    @Test
    void logprobsAreThoseOfTheModelBeforeTemperatureAndPenalties() {
        SamplingParams params = SamplingParams.builder()
                .temperature(0.5)
                .logitBias(Map.of(0, 100.0))
                .logprobs(2)
                .build();
        float[] logits = {1, 3, 2, 2, NEVER};

        TokenChoice choice = new Sampler(params, new int[0], EOS, 5).next(logits);

        double normaliser = Math.log(Math.exp(1) + Math.exp(3) + 2 * Math.exp(2));
        assertThat(choice.id()).isZero();
        assertThat((double) choice.logprob()).isCloseTo(1 - normaliser, Offset.offset(1e-6));
        assertThat(choice.alternatives()).extracting(TokenLogprob::id).containsExactly(1, 2);
        assertThat((double) choice.alternatives().getFirst().logprob()).isCloseTo(3 - normaliser, Offset.offset(1e-6));
    }

    @Test
    void logprobsAreAbsentUnlessAskedFor() {
        float[] logits = {1, 2, 3};
        SamplingParams chosenOnly =
                SamplingParams.greedy().toBuilder().logprobs(0).build();

        TokenChoice without = new Sampler(SamplingParams.greedy(), new int[0], EOS, 3).next(logits);
        TokenChoice with = new Sampler(chosenOnly, new int[0], EOS, 3).next(logits);

        assertThat(without.logprob()).isNaN();
        assertThat(without.alternatives()).isEmpty();
        assertThat(with.logprob()).isNegative();
        assertThat(with.alternatives()).isEmpty();
    }

    @Test
    void presenceAndFrequencyCountTheAnswerAndNotThePrompt() {
        SamplingParams params = SamplingParams.builder()
                .presencePenalty(1)
                .frequencyPenalty(0.25)
                .build();
        Sampler sampler = new Sampler(params, new int[] {0, 0, 1}, EOS, 4);
        sampler.accept(1);
        sampler.accept(3);
        sampler.accept(3);

        assertThat(sampler.processedScores(new float[] {5, 5, 5, 5}, 1)).containsExactly(5, 3.75f, 5, 3.5f);
    }

    @Test
    void endOfTextAndStopTokensAreBannedUntilTheAnswerIsLongEnough() {
        SamplingParams params = SamplingParams.greedy().toBuilder()
                .minNewTokens(2)
                .stopTokenIds(List.of(3))
                .build();
        Sampler sampler = new Sampler(params, new int[] {1, 1, 1}, EOS, 4);
        float[] logits = {0, 1, 3, 2};

        assertThat(sampler.next(logits).id()).isEqualTo(1);
        assertThat(sampler.next(logits).id()).isEqualTo(1);
        assertThat(sampler.next(logits).id()).isEqualTo(2);
        assertThat(sampler.ends(2)).isTrue();
        assertThat(sampler.ends(3)).isTrue();
        assertThat(sampler.ends(1)).isFalse();
    }

    @Test
    void ignoredEndOfTextDoesNotEndTheAnswer() {
        SamplingParams params = SamplingParams.builder()
                .ignoreEos(true)
                .stopTokenIds(List.of(3))
                .build();
        Sampler sampler = new Sampler(params, new int[0], EOS, 4);

        assertThat(sampler.ends(2)).isFalse();
        assertThat(sampler.ends(3)).isTrue();
    }

    @Test
    void aNanOrAnInfinityIsReportedAndNotSampled() {
        for (SamplingParams params :
                List.of(SamplingParams.greedy(), SamplingParams.builder().build())) {
            for (float broken : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                Sampler sampler = new Sampler(params, new int[] {1}, EOS, 3);
                assertThatThrownBy(() -> sampler.next(new float[] {1, 2, broken}))
                        .isInstanceOf(SamplingException.class)
                        .hasMessageContaining("token 2 of the sequence")
                        .hasMessageContaining("NaN");
            }
        }
    }

    @Test
    void bansThatLeaveNothingAreReported() {
        SamplingParams params = SamplingParams.greedy().toBuilder()
                .badWords(List.of(List.of(0), List.of(1)))
                .minNewTokens(1)
                .build();
        Sampler sampler = new Sampler(params, new int[0], EOS, 3);

        assertThatThrownBy(() -> sampler.next(new float[3]))
                .isInstanceOf(SamplingException.class)
                .hasMessageContaining("No token is left");
    }

    @Test
    void tokensThatTheModelGivesNoChanceAreNeverDrawn() {
        Sampler sampler = new Sampler(SamplingParams.builder().topK(3).build(), new int[0], EOS, 4);
        for (int i = 0; i < 200; i++) {
            assertThat(sampler.next(new float[] {NEVER, 0, NEVER, 0}).id()).isIn(1, 3);
        }
    }

    @Test
    void idsThatTheModelLacksAreNamed() {
        assertThatThrownBy(() -> new Sampler(
                        SamplingParams.builder().logitBias(Map.of(64, 1.0)).build(), new int[0], EOS, 64))
                .isInstanceOf(SamplingException.class)
                .hasMessage("logit_bias is token 64; expected an id from 0 to 63, which this model has.");
        assertThatThrownBy(() -> new Sampler(SamplingParams.greedy(), new int[] {64}, EOS, 64))
                .hasMessageContaining("prompt is token 64");
    }

    @Test
    void aLongHistoryCountsEveryIdOnce() {
        int[] prompt = IntStream.range(0, 5000).map(i -> i * 37 % 3000).toArray();
        SamplingParams params = SamplingParams.builder().repetitionPenalty(2).build();
        Sampler sampler = new Sampler(params, prompt, EOS, 4000);
        float[] logits = new float[4000];
        Arrays.fill(logits, 8);

        float[] scores = sampler.processedScores(logits, 1);

        for (int id = 0; id < 4000; id++) {
            assertThat(scores[id]).isEqualTo(id < 3000 ? 4f : 8f);
        }
    }

    private static int[] run(long seed, long sequence) {
        Sampler sampler = new Sampler(
                SamplingParams.builder().seed(seed).build(), new int[0], EOS, 50, sequence, new SamplingBuffers());
        for (int i = 0; i < 20; i++) {
            sampler.next(new float[50]);
        }
        return sampler.generatedIds();
    }
}
