package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Scale;

/// Laws of the distributions, on random rows of logits, against plain definitions that sort.
class SamplerPropertiesTest {
    private static final int[] EOS = {0};

    @Property(tries = 300)
    void greedyTakesTheLowestIdWithTheLargestLogit(
            @ForAll long rowSeed, @ForAll @IntRange(min = 1, max = 300) int size) {
        float[] logits = coarseRow(rowSeed, size);
        int expected = ranked(logits).getFirst();

        assertThat(sampler(SamplingParams.greedy(), size).next(logits).id()).isEqualTo(expected);
    }

    @Property(tries = 300)
    void topKKeepsTheBestKAndWhatEqualsTheLastOfThem(
            @ForAll long rowSeed,
            @ForAll @IntRange(min = 1, max = 300) int size,
            @ForAll @IntRange(min = 1, max = 320) int k) {
        float[] logits = coarseRow(rowSeed, size);
        float bound = logits[ranked(logits).get(Math.min(k, size) - 1)];

        float[] probabilities = probabilities(SamplingParams.builder().topK(k).build(), logits);

        for (int id = 0; id < size; id++) {
            assertThat(probabilities[id] > 0).isEqualTo(logits[id] >= bound);
        }
    }

    @Property(tries = 300)
    void topPKeepsTheSmallestBestSetThatReachesTheMass(
            @ForAll long rowSeed,
            @ForAll @IntRange(min = 1, max = 300) int size,
            @ForAll @Scale(6) @DoubleRange(min = 0, max = 0.999) double p) {
        float[] logits = coarseRow(rowSeed, size);
        double[] before = softmax(logits);
        List<Integer> ranked = ranked(logits);

        float[] after = probabilities(SamplingParams.builder().topP(p).build(), logits);

        int kept = (int) IntStream.range(0, size).filter(id -> after[id] > 0).count();
        double mass = 0;
        for (int rank = 0; rank < kept; rank++) {
            assertThat(after[ranked.get(rank)]).isPositive();
            // Without its last token the set would not reach p.
            assertThat(mass).isLessThan(p + 1e-9 + (rank == 0 ? 1 : 0));
            mass += before[ranked.get(rank)];
        }
        assertThat(mass).isGreaterThan(p - 1e-9);
    }

    @Property(tries = 300)
    void minPKeepsWhatIsThatProbableBesideTheBest(
            @ForAll long rowSeed,
            @ForAll @IntRange(min = 1, max = 300) int size,
            @ForAll @Scale(6) @DoubleRange(min = 0.001, max = 1) double p) {
        float[] logits = row(rowSeed, size);
        double[] before = softmax(logits);
        double best = Arrays.stream(before).max().orElseThrow();

        float[] after = probabilities(SamplingParams.builder().minP(p).build(), logits);

        for (int id = 0; id < size; id++) {
            if (Math.abs(before[id] - p * best) > 1e-9) {
                assertThat(after[id] > 0).isEqualTo(before[id] >= p * best);
            }
        }
    }

    @Property(tries = 300)
    void typicalPKeepsTheTokensNearestToTheEntropy(
            @ForAll long rowSeed,
            @ForAll @IntRange(min = 1, max = 300) int size,
            @ForAll @Scale(6) @DoubleRange(min = 0.01, max = 0.99) double p) {
        float[] logits = row(rowSeed, size);
        double[] before = softmax(logits);
        double entropy = Arrays.stream(before).map(q -> -q * Math.log(q)).sum();
        List<Integer> nearest = IntStream.range(0, size)
                .boxed()
                .sorted(Comparator.comparingDouble(id -> Math.abs(-Math.log(before[id]) - entropy)))
                .toList();

        float[] after = probabilities(SamplingParams.builder().typicalP(p).build(), logits);

        int kept = (int) IntStream.range(0, size).filter(id -> after[id] > 0).count();
        double mass = 0;
        for (int rank = 0; rank < kept; rank++) {
            assertThat(after[nearest.get(rank)]).isPositive();
            mass += before[nearest.get(rank)];
        }
        assertThat(mass).isGreaterThan(p - 1e-9);
        assertThat(mass - before[nearest.get(kept - 1)]).isLessThan(p + 1e-9);
    }

    @Property(tries = 200)
    void whateverIsKeptSumsToOne(
            @ForAll long rowSeed,
            @ForAll @IntRange(min = 1, max = 300) int size,
            @ForAll @IntRange(min = 0, max = 50) int k,
            @ForAll @Scale(6) @DoubleRange(min = 0, max = 1) double topP,
            @ForAll @Scale(6) @DoubleRange(min = 0, max = 1) double minP,
            @ForAll @Scale(6) @DoubleRange(min = 0.01, max = 1) double typicalP,
            @ForAll @Scale(6) @DoubleRange(min = 0.00001, max = 100) double temperature) {
        SamplingParams params = SamplingParams.builder()
                .topK(k)
                .topP(topP)
                .minP(minP)
                .typicalP(typicalP)
                .temperature(temperature)
                .build();
        float[] probabilities = probabilities(params, coarseRow(rowSeed, size));
        double sum = 0;
        for (float probability : probabilities) {
            sum += probability;
        }
        assertThat(sum).isBetween(1 - 1e-5, 1 + 1e-5);
    }

    @Property(tries = 200)
    void aVeryLowTemperatureDrawsTheBestToken(
            @ForAll long rowSeed, @ForAll long seed, @ForAll @IntRange(min = 1, max = 300) int size) {
        float[] logits = distinctRow(rowSeed, size);
        int best = ranked(logits).getFirst();

        for (double temperature : new double[] {0, 1e-6, 1e-5, 1e-3}) {
            SamplingParams params =
                    SamplingParams.builder().temperature(temperature).seed(seed).build();
            assertThat(sampler(params, size).next(logits).id()).isEqualTo(best);
        }
    }

    @Property(tries = 100)
    void theSameSeedGivesTheSameTokensWhateverRunsBeside(@ForAll long rowSeed, @ForAll long seed) {
        SamplingParams params = SamplingParams.builder()
                .seed(seed)
                .topP(0.95)
                .frequencyPenalty(0.3)
                .build();
        List<float[]> rows =
                IntStream.range(0, 12).mapToObj(i -> row(rowSeed + i, 64)).toList();
        List<Integer> alone = new ArrayList<>();
        Sampler lonely = sampler(params, 64);
        rows.forEach(row -> alone.add(lonely.next(row).id()));

        // The same sequence among others that share its buffers, come in a changing order, and end early.
        SamplingBuffers shared = new SamplingBuffers();
        Random random = new Random(rowSeed);
        Sampler watched = new Sampler(params, new int[] {1, 2}, EOS, 64, 0, shared);
        List<Sampler> others = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            others.add(new Sampler(params.toBuilder().topK(i).build(), new int[] {i}, EOS, 64 + i % 2, i + 1, shared));
        }
        List<Integer> together = new ArrayList<>();
        for (int step = 0; step < rows.size(); step++) {
            int turn = random.nextInt(others.size() + 1);
            for (int i = 0; i < others.size(); i++) {
                if (i == turn) {
                    together.add(watched.next(rows.get(step)).id());
                }
                others.get(i).next(row(random.nextLong(), 64 + i % 2));
            }
            if (turn == others.size()) {
                together.add(watched.next(rows.get(step)).id());
            }
            if (others.size() > 1 && random.nextInt(4) == 0) {
                others.removeLast();
            }
        }
        assertThat(together).isEqualTo(alone);
    }

    @Property(tries = 50)
    void anAnswerTakenUpAgainGoesOnAsIfNothingHadHappened(
            @ForAll long rowSeed, @ForAll long seed, @ForAll @IntRange(min = 0, max = 12) int pausedAt) {
        SamplingParams params = SamplingParams.builder()
                .seed(seed)
                .repetitionPenalty(1.2)
                .presencePenalty(0.5)
                .noRepeatNgram(3)
                .build();
        Sampler whole = sampler(params, 64);
        IntStream.range(0, 12).forEach(i -> whole.next(row(rowSeed + i, 64)));
        Sampler resumed = sampler(params, 64);
        Arrays.stream(whole.generatedIds()).limit(pausedAt).forEach(resumed::accept);
        IntStream.range(pausedAt, 12).forEach(i -> resumed.next(row(rowSeed + i, 64)));

        assertThat(resumed.generatedIds()).isEqualTo(whole.generatedIds());
    }

    private static float[] probabilities(SamplingParams params, float[] logits) {
        return sampler(params, logits.length).probabilities(logits, 1);
    }

    private static Sampler sampler(SamplingParams params, int vocabulary) {
        return new Sampler(params, vocabulary > 2 ? new int[] {1, 2} : new int[0], EOS, vocabulary);
    }

    /// Normal logits of standard deviation 3.
    private static float[] row(long seed, int size) {
        Random random = new Random(seed);
        float[] row = new float[size];
        for (int i = 0; i < size; i++) {
            row[i] = (float) (random.nextGaussian() * 3);
        }
        return row;
    }

    /// Logits in steps of a half, as a low-precision head gives them: full of ties.
    private static float[] coarseRow(long seed, int size) {
        float[] row = row(seed, size);
        for (int i = 0; i < size; i++) {
            row[i] = Math.round(row[i] * 2) / 2f;
        }
        return row;
    }

    /// A random order of values that are at least 0.1 apart.
    private static float[] distinctRow(long seed, int size) {
        List<Integer> places = new ArrayList<>(IntStream.range(0, size).boxed().toList());
        Collections.shuffle(places, new Random(seed));
        float[] row = new float[size];
        for (int i = 0; i < size; i++) {
            row[i] = places.get(i) * 0.1f - 5;
        }
        return row;
    }

    private static List<Integer> ranked(float[] logits) {
        return IntStream.range(0, logits.length)
                .boxed()
                .sorted((a, b) -> Float.compare(logits[b], logits[a]))
                .toList();
    }

    private static double[] softmax(float[] logits) {
        double[] weights = new double[logits.length];
        double total = 0;
        for (int i = 0; i < logits.length; i++) {
            weights[i] = Math.exp(logits[i]);
            total += weights[i];
        }
        double sum = total;
        return Arrays.stream(weights).map(w -> w / sum).toArray();
    }
}
