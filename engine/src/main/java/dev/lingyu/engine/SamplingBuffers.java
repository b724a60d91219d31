package dev.lingyu.engine;

import java.util.Arrays;

/// Vocabulary-sized working memory of [Sampler], kept from step to step.
///
/// One for each thread that samples is enough, however many sequences it serves: no token leaves anything
/// behind in it. Not for several threads at once.
public final class SamplingBuffers {
    private float[] scores = new float[0];
    private final Candidates candidates = new Candidates();

    /// Empty; grows to the largest vocabulary it meets.
    public SamplingBuffers() {}

    /// A copy of a row that may be changed.
    float[] copyOf(float[] row) {
        if (scores.length != row.length) {
            scores = Arrays.copyOf(row, row.length);
        } else {
            System.arraycopy(row, 0, scores, 0, row.length);
        }
        return scores;
    }

    Candidates candidates() {
        return candidates;
    }
}
