package dev.lingyu.engine;

import java.util.Arrays;

/// The tokens that a draw may still return, with their weights; shrunk by top-k, top-p, min-p and typical-p,
/// in that order, as Hugging Face's warpers do it.
///
/// Candidates stay in ascending order of id, and equal scores rank by id, so the result is a function of the
/// scores alone. Nothing is sorted: top-k keeps a heap of k scores, top-p and typical-p select by mass in
/// linear expected time.
final class Candidates {
    private int[] ids = new int[0];
    private float[] scores = new float[0];
    // exp(score - best score): not normalised.
    private double[] weights = new double[0];
    private double[] keys = new double[0];
    private int[] order = new int[0];
    private float[] heap = new float[0];
    private int count;
    private double total;

    /// Takes all tokens whose score is not -infinity, or with `k > 0` those not below the k-th best score.
    ///
    /// @param row scores `[vocabulary]`, of which `best` is the largest
    void collect(float[] row, float best, int k) {
        reserve(row.length);
        float threshold = k > 0 && k < row.length ? kthBest(row, k) : Float.NEGATIVE_INFINITY;
        count = 0;
        total = 0;
        for (int id = 0; id < row.length; id++) {
            float score = row[id];
            if (score >= threshold && score != Float.NEGATIVE_INFINITY) {
                double weight = Math.exp((double) score - best);
                ids[count] = id;
                scores[count] = score;
                weights[count] = weight;
                total += weight;
                count++;
            }
        }
    }

    /// Top-p (Holtzman et al. 2020): the best tokens, of which each has less than p of the mass before it.
    void keepMass(double p, int atLeast) {
        for (int i = 0; i < count; i++) {
            keys[i] = scores[i];
        }
        int last = select(p * total);
        keep(keys[last], last, atLeast);
    }

    /// Min-p (Nguyen et al. 2024): tokens at least p times as probable as the best.
    void keepRelative(double p, int atLeast) {
        System.arraycopy(weights, 0, keys, 0, count);
        double best = 0;
        for (int i = 0; i < count; i++) {
            best = Math.max(best, weights[i]);
        }
        keep(p * best, count, atLeast);
    }

    /// Typical-p (Meister et al. 2022): the tokens whose information is nearest to the entropy, until they
    /// hold p of the mass.
    void keepTypical(double p, int atLeast) {
        double entropy = 0;
        for (int i = 0; i < count; i++) {
            double probability = weights[i] / total;
            if (probability > 0) {
                entropy -= probability * Math.log(probability);
            }
        }
        for (int i = 0; i < count; i++) {
            keys[i] = -Math.abs(-Math.log(weights[i] / total) - entropy);
        }
        keep(keys[select(p * total)], count, atLeast);
    }

    /// The token at a point of the distribution: the first, in ascending order of id, at which the cumulative
    /// probability exceeds `u`.
    ///
    /// @param u in [0, 1)
    int draw(double u) {
        double target = u * total;
        double sum = 0;
        int chosen = -1;
        for (int i = 0; i < count; i++) {
            if (weights[i] > 0) {
                sum += weights[i];
                chosen = ids[i];
                if (sum > target) {
                    break;
                }
            }
        }
        if (chosen < 0 || !(total < Double.POSITIVE_INFINITY)) {
            throw new SamplingException("The scores are too large to draw from: their softmax is not a number;"
                    + " expected logits of an ordinary size, or a higher temperature than the one asked for.");
        }
        return chosen;
    }

    /// Writes the scores `[vocabulary]`, -infinity for removed tokens.
    void scores(float[] into) {
        Arrays.fill(into, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < count; i++) {
            into[ids[i]] = scores[i];
        }
    }

    /// Writes the probabilities `[vocabulary]`, 0 for removed tokens.
    void probabilities(float[] into) {
        Arrays.fill(into, 0);
        for (int i = 0; i < count; i++) {
            into[ids[i]] = (float) (weights[i] / total);
        }
    }

    int count() {
        return count;
    }

    /// Keeps candidates whose key is above the threshold, or equal to it up to position `lastTie`; more where
    /// fewer than `atLeast` would stay.
    private void keep(double threshold, int lastTie, int atLeast) {
        double needed = atLeast > 1 ? keyOfRank(Math.min(atLeast, count)) : Double.POSITIVE_INFINITY;
        double bound = threshold;
        int tie = lastTie;
        if (needed < threshold) {
            bound = needed;
            tie = count;
        }
        int kept = 0;
        double mass = 0;
        for (int i = 0; i < count; i++) {
            if (keys[i] > bound || (keys[i] == bound && i <= tie)) {
                ids[kept] = ids[i];
                scores[kept] = scores[i];
                weights[kept] = weights[i];
                mass += weights[i];
                kept++;
            }
        }
        count = kept;
        total = mass;
    }

    /// The `rank`-th largest key; for ranks of one or two.
    private double keyOfRank(int rank) {
        double[] sorted = Arrays.copyOf(keys, count);
        Arrays.sort(sorted);
        return sorted[count - rank];
    }

    /// The position of the first candidate, from the largest key down, at which the summed weight reaches the
    /// target; of equal keys the lowest position counts first. Quickselect by mass.
    private int select(double target) {
        for (int i = 0; i < count; i++) {
            order[i] = i;
        }
        int low = 0;
        int high = count;
        double before = 0;
        while (high - low > 1) {
            int middle = partition(low, high);
            double left = 0;
            for (int i = low; i < middle; i++) {
                left += weights[order[i]];
            }
            double through = before + left + weights[order[middle]];
            if (middle > low && before + left >= target) {
                high = middle;
            } else if (through >= target || middle + 1 == high) {
                return order[middle];
            } else {
                before = through;
                low = middle + 1;
            }
        }
        return order[low];
    }

    /// Moves what ranks before a pivot in front of it; returns the pivot's place.
    private int partition(int low, int high) {
        int last = high - 1;
        swap(medianOfThree(low, (low + last) >>> 1, last), last);
        int pivot = order[last];
        int store = low;
        for (int i = low; i < last; i++) {
            if (ranksBefore(order[i], pivot)) {
                swap(i, store++);
            }
        }
        swap(store, last);
        return store;
    }

    private int medianOfThree(int a, int b, int c) {
        boolean ab = ranksBefore(order[a], order[b]);
        boolean bc = ranksBefore(order[b], order[c]);
        if (ab == bc) {
            return b;
        }
        boolean ac = ranksBefore(order[a], order[c]);
        return ab == ac ? c : a;
    }

    private boolean ranksBefore(int i, int j) {
        return keys[i] > keys[j] || (keys[i] == keys[j] && i < j);
    }

    private void swap(int i, int j) {
        int held = order[i];
        order[i] = order[j];
        order[j] = held;
    }

    /// The k-th largest score, by a heap whose root is the smallest of the k best so far.
    private float kthBest(float[] row, int k) {
        if (heap.length < k) {
            heap = new float[k];
        }
        System.arraycopy(row, 0, heap, 0, k);
        for (int i = k / 2 - 1; i >= 0; i--) {
            sink(i, k);
        }
        for (int id = k; id < row.length; id++) {
            if (row[id] > heap[0]) {
                heap[0] = row[id];
                sink(0, k);
            }
        }
        return heap[0];
    }

    private void sink(int root, int size) {
        float value = heap[root];
        int hole = root;
        for (int child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
            if (child + 1 < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= value) {
                break;
            }
            heap[hole] = heap[child];
            hole = child;
        }
        heap[hole] = value;
    }

    private void reserve(int capacity) {
        if (ids.length < capacity) {
            ids = new int[capacity];
            scores = new float[capacity];
            weights = new double[capacity];
            keys = new double[capacity];
            order = new int[capacity];
        }
    }
}
