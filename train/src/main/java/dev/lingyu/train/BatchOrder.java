package dev.lingyu.train;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/// Which rows each step takes: every epoch is its own permutation, a pure function of seed and epoch, so a
/// step number is all that a checkpoint must remember.
final class BatchOrder {
    /// Steps whose rows are sorted together where rows are grouped by length.
    private static final int STEPS_TOGETHER = 50;

    private final int rows;
    private final int rowsPerStep;
    private final long seed;
    private final boolean byLength;
    private final IntUnaryOperator length;
    private int cachedEpoch = -1;
    private int[] permutation = {};

    /// Rows in a random order.
    BatchOrder(int rows, int rowsPerStep, long seed) {
        this(rows, rowsPerStep, seed, false, row -> 0);
    }

    /// @param byLength whether rows of similar length share a step (`group_by_length`)
    /// @param length   the tokens of a row
    BatchOrder(int rows, int rowsPerStep, long seed, boolean byLength, IntUnaryOperator length) {
        this.rows = rows;
        this.rowsPerStep = rowsPerStep;
        this.seed = seed;
        this.byLength = byLength;
        this.length = length;
    }

    /// Steps of one epoch; the last may take fewer rows.
    int stepsPerEpoch() {
        return (rows + rowsPerStep - 1) / rowsPerStep;
    }

    /// The rows of a step, counted from 0.
    List<Integer> step(int step) {
        int epoch = step / stepsPerEpoch();
        if (epoch != cachedEpoch) {
            permutation = IntStream.range(0, rows).toArray();
            // Seeds of neighbouring epochs must not give related streams: mixed by a large odd constant.
            shuffle(permutation, new Random(seed * 0x9E3779B97F4A7C15L + epoch));
            if (byLength) {
                groupByLength();
            }
            cachedEpoch = epoch;
        }
        int from = step % stepsPerEpoch() * rowsPerStep;
        return Arrays.stream(permutation, from, Math.min(rows, from + rowsPerStep))
                .boxed()
                .toList();
    }

    /// Sorts stretches of the permutation by length, the longest rows first; the longest of all goes to the very
    /// front, so that a lack of memory shows in the first step (as in transformers' LengthGroupedSampler).
    private void groupByLength() {
        int together = Math.max(1, Math.min(rows / (rowsPerStep * 4), STEPS_TOGETHER)) * rowsPerStep;
        int longest = 0;
        for (int from = 0; from < rows; from += together) {
            int to = Math.min(rows, from + together);
            int[] sorted = Arrays.stream(permutation, from, to)
                    .boxed()
                    .sorted((a, b) -> Integer.compare(length.applyAsInt(b), length.applyAsInt(a)))
                    .mapToInt(i -> i)
                    .toArray();
            System.arraycopy(sorted, 0, permutation, from, sorted.length);
            if (length.applyAsInt(permutation[from]) > length.applyAsInt(permutation[longest])) {
                longest = from;
            }
        }
        swap(permutation, 0, longest);
    }

    /// The same shuffle as [java.util.Collections#shuffle].
    static void shuffle(int[] list, Random random) {
        for (int i = list.length; i > 1; i--) {
            swap(list, i - 1, random.nextInt(i));
        }
    }

    private static void swap(int[] list, int a, int b) {
        int kept = list[a];
        list[a] = list[b];
        list[b] = kept;
    }
}
