package dev.lingyu.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.PriorityQueue;

/// What is asked of a row of logits `[vocabulary]`, whoever asks.
final class Logits {
    /// What [#argmax] gives when every element is -infinity.
    static final int NONE = -1;

    /// What [#argmax] gives when an element is no number.
    static final int NOT_A_NUMBER = -2;

    private Logits() {}

    /// The lowest id with the largest value.
    static int argmax(float[] row) {
        int best = NONE;
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < row.length; i++) {
            // One comparison for nearly all elements; a NaN fails it too.
            if (!(row[i] <= largest)) {
                if (Float.isNaN(row[i])) {
                    return NOT_A_NUMBER;
                }
                largest = row[i];
                best = i;
            }
        }
        return best;
    }

    /// The lowest id with the largest value of a row as a model gives it.
    ///
    /// @param length tokens of the sequence so far
    /// @throws SamplingException when an element is NaN or +infinity, or all are -infinity
    static int checkedBest(float[] row, int length) {
        int best = argmax(row);
        if (best < 0 || row[best] == Float.POSITIVE_INFINITY) {
            throw new SamplingException("The model's logits for token " + (length + 1)
                    + " of the sequence hold a NaN or an infinity; expected finite numbers. The weights are broken, or"
                    + " their values exceed the data type they are computed in: try float32.");
        }
        return best;
    }

    /// log of the sum of exp over the row: what turns logits into log-probabilities.
    ///
    /// @param best id of the largest element
    static double logSumExp(float[] row, int best) {
        double largest = row[best];
        double sum = 0;
        for (float logit : row) {
            sum += Math.exp(logit - largest);
        }
        return largest + Math.log(sum);
    }

    /// A chosen token with the log-probabilities that the request asked for.
    ///
    /// @param row       raw logits
    /// @param best      id of the largest element
    /// @param requested as in [SamplingParams#logprobs()]
    static TokenChoice describe(int id, float[] row, int best, OptionalInt requested) {
        if (requested.isEmpty()) {
            return new TokenChoice(id, Float.NaN, List.of());
        }
        double normaliser = logSumExp(row, best);
        List<TokenLogprob> alternatives = new ArrayList<>();
        for (int alternative : mostProbable(row, requested.getAsInt())) {
            alternatives.add(new TokenLogprob(alternative, (float) (row[alternative] - normaliser)));
        }
        return new TokenChoice(id, (float) (row[id] - normaliser), alternatives);
    }

    /// The ids of the largest logits, best first, lower ids first among equals.
    static List<Integer> mostProbable(float[] row, int wanted) {
        if (wanted == 0) {
            return List.of();
        }
        Comparator<Integer> worstFirst =
                Comparator.<Integer>comparingDouble(id -> row[id]).thenComparing(Comparator.reverseOrder());
        PriorityQueue<Integer> kept = new PriorityQueue<>(wanted, worstFirst);
        float bound = Float.NEGATIVE_INFINITY;
        for (int id = 0; id < row.length; id++) {
            if (kept.size() < wanted) {
                kept.add(id);
                bound = row[kept.element()];
            } else if (row[id] > bound) {
                kept.remove();
                kept.add(id);
                bound = row[kept.element()];
            }
        }
        return kept.stream().sorted(worstFirst.reversed()).toList();
    }
}
