package dev.lingyu.train;

import java.util.Arrays;

/// What a reward model minimises on a preferred and a rejected answer to one prompt: `−log σ(r_chosen −
/// r_rejected)` (Ouyang et al. 2022, eq. 1), where the published systems differ in what r is.
///
/// A pair has few values, so loss and gradients are computed here, in Java; the gradients then go into
/// [dev.lingyu.tensor.Autograd#gradients] as those of the values.
public enum PairwiseLoss {
    /// DeepSpeed-Chat: the mean of `−log σ(c_t − r_t)` over the tokens t from the first one that differs to
    /// the end of the longer answer. Where the shorter one has ended, its padding is scored.
    TOKEN {
        @Override
        public Outcome of(Pair pair) {
            int from = Arrays.mismatch(pair.chosenIds(), pair.rejectedIds());
            int end = Math.max(pair.chosenEnd(), pair.rejectedEnd());
            if (from < 0) {
                // As DeepSpeed-Chat does it: equal sides, the last position alone, be it padding.
                end = pair.chosenIds().length;
                from = end - 1;
            }
            Outcome outcome = Outcome.empty(pair);
            double share = 1.0 / (end - from);
            for (int t = from; t < end; t++) {
                double difference = pair.chosen()[t] - pair.rejected()[t];
                double slope = -share * sigmoid(-difference);
                outcome.chosenGradient()[t] = (float) slope;
                outcome.rejectedGradient()[t] = (float) -slope;
                outcome = outcome.plus(share * minusLogSigmoid(difference));
            }
            return outcome;
        }
    },

    /// InstructGPT, trl: r is the value at the last token of the answer.
    SENTENCE {
        @Override
        public Outcome of(Pair pair) {
            int c = pair.chosenEnd() - 1;
            int r = pair.rejectedEnd() - 1;
            double difference = pair.chosen()[c] - pair.rejected()[r];
            double slope = -sigmoid(-difference);
            Outcome outcome = Outcome.empty(pair);
            outcome.chosenGradient()[c] = (float) slope;
            outcome.rejectedGradient()[r] = (float) -slope;
            return outcome.plus(minusLogSigmoid(difference));
        }
    },

    /// The handbook's formula: r is the mean of the values over the answer, from behind the prompt to its end.
    MEAN {
        @Override
        public Outcome of(Pair pair) {
            double difference = mean(pair.chosen(), pair.promptLength(), pair.chosenEnd())
                    - mean(pair.rejected(), pair.promptLength(), pair.rejectedEnd());
            double slope = -sigmoid(-difference);
            Outcome outcome = Outcome.empty(pair);
            spread(outcome.chosenGradient(), slope, pair.promptLength(), pair.chosenEnd());
            spread(outcome.rejectedGradient(), -slope, pair.promptLength(), pair.rejectedEnd());
            return outcome.plus(minusLogSigmoid(difference));
        }

        private double mean(float[] values, int from, int to) {
            double sum = 0;
            for (int t = from; t < to; t++) {
                sum += values[t];
            }
            return sum / (to - from);
        }

        private void spread(float[] gradient, double slope, int from, int to) {
            for (int t = from; t < to; t++) {
                gradient[t] = (float) (slope / (to - from));
            }
        }
    };

    /// Two answers to one prompt and what the model says of their tokens. Both sides are padded to one length.
    ///
    /// @param chosenIds    prompt and preferred answer, then padding
    /// @param rejectedIds  prompt and rejected answer, then padding
    /// @param chosen       the value at each of these tokens
    /// @param rejected     the value at each of these tokens
    /// @param promptLength tokens before the answers
    /// @param chosenEnd    tokens before the padding
    /// @param rejectedEnd  tokens before the padding
    public record Pair(
            int[] chosenIds,
            int[] rejectedIds,
            float[] chosen,
            float[] rejected,
            int promptLength,
            int chosenEnd,
            int rejectedEnd) {
        public Pair {
            int length = chosenIds.length;
            if (rejectedIds.length != length || chosen.length != length || rejected.length != length) {
                throw new IllegalArgumentException("The two sides of a pair and their values need one length.");
            }
            if (promptLength >= chosenEnd || promptLength >= rejectedEnd || Math.max(chosenEnd, rejectedEnd) > length) {
                throw new IllegalArgumentException(
                        "An answer of a pair is empty: the prompt has %d tokens, the sides end at %d and %d of %d."
                                .formatted(promptLength, chosenEnd, rejectedEnd, length));
            }
        }
    }

    /// The loss of a pair and its derivative by each value.
    public record Outcome(double loss, float[] chosenGradient, float[] rejectedGradient) {
        private static Outcome empty(Pair pair) {
            return new Outcome(0, new float[pair.chosen().length], new float[pair.rejected().length]);
        }

        private Outcome plus(double more) {
            return new Outcome(loss + more, chosenGradient, rejectedGradient);
        }
    }

    /// Loss and gradients of one pair; a batch's loss is the mean over its pairs.
    public abstract Outcome of(Pair pair);

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /// `log(1 + e^−x)` without overflow.
    private static double minusLogSigmoid(double x) {
        return Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }
}
