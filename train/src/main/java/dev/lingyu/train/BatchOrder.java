package dev.lingyu.train;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// Which rows each step takes: every epoch is its own permutation, a pure function of seed and epoch, so a
/// step number is all that a checkpoint must remember.
final class BatchOrder {
    private final int rows;
    private final int rowsPerStep;
    private final long seed;
    private int cachedEpoch = -1;
    private List<Integer> permutation = List.of();

    BatchOrder(int rows, int rowsPerStep, long seed) {
        this.rows = rows;
        this.rowsPerStep = rowsPerStep;
        this.seed = seed;
    }

    /// Steps of one epoch; the last may take fewer rows.
    int stepsPerEpoch() {
        return (rows + rowsPerStep - 1) / rowsPerStep;
    }

    /// The rows of a step, counted from 0.
    List<Integer> step(int step) {
        int epoch = step / stepsPerEpoch();
        if (epoch != cachedEpoch) {
            permutation = new ArrayList<>();
            for (int i = 0; i < rows; i++) {
                permutation.add(i);
            }
            // Seeds of neighbouring epochs must not give related streams: mixed by a large odd constant.
            Collections.shuffle(permutation, new Random(seed * 0x9E3779B97F4A7C15L + epoch));
            cachedEpoch = epoch;
        }
        int from = step % stepsPerEpoch() * rowsPerStep;
        return permutation.subList(from, Math.min(rows, from + rowsPerStep));
    }
}
