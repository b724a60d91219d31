package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/// How several datasets become one.
///
/// @param order which dataset the next example comes from, and when the end is reached
/// @param weights how often each is drawn, where they are interleaved
/// @param shares the weights in numbers for [Weights#EXPLICIT], one for each dataset
/// @param seed equal seeds draw equally
public record Mix(Order order, Weights weights, List<Double> shares, long seed) {
    /// One after the other, as named.
    public static final Mix CONCAT = new Mix(Order.CONCAT, Weights.TURNS, List.of(), 0);

    /// `mix_strategy`.
    public enum Order {
        /// One dataset after the other.
        CONCAT,
        /// Interleaved until the first of them is used up.
        INTERLEAVE_UNDER,
        /// Interleaved until the last of them is used up; those that are used up before begin again.
        INTERLEAVE_OVER,
        /// Interleaved until the last of them is used up; those that are used up before are drawn no more.
        INTERLEAVE_ONCE;

        /// As a configuration spells it: `interleave_under`.
        public static Order parse(String text) {
            for (Order order : values()) {
                if (order.toString().equals(text)) {
                    return order;
                }
            }
            throw DatasetException.of(
                    "expected concat, interleave_under, interleave_over or interleave_once, found \"" + text + "\".");
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// `mix_weights`: the chance of each dataset to give the next example.
    public enum Weights {
        /// No chance: one example of each in turn.
        TURNS,
        /// Equal chances.
        EQUAL,
        /// By the number of examples: p_i = |d_i| / Σ |d_j|.
        PROPORTIONAL,
        /// By its logarithm, so that a small dataset is heard beside a large one: p_i = log|d_i| / Σ log|d_j|.
        LOG,
        /// As given.
        EXPLICIT;

        /// As a configuration spells it: `log`.
        public static Weights parse(String text) {
            for (Weights weights : values()) {
                if (weights != TURNS && weights.name().toLowerCase(Locale.ROOT).equals(text)) {
                    return weights;
                }
            }
            throw DatasetException.of(
                    "expected proportional, equal, log or explicit (with interleave_probs), found \"" + text + "\".");
        }
    }

    public Mix {
        requireNonNull(order, "order");
        requireNonNull(weights, "weights");
        shares = List.copyOf(shares);
        if ((weights == Weights.EXPLICIT) == shares.isEmpty()) {
            throw DatasetException.of(
                    "mix_weights: explicit and interleave_probs belong together: give both, or neither");
        }
        if (order == Order.CONCAT && weights != Weights.TURNS) {
            throw DatasetException.of(
                    "weights and probabilities are for interleaving. Set mix_strategy: interleave_under, "
                            + "interleave_over or interleave_once, or leave them out");
        }
        for (double share : shares) {
            if (!(share > 0) || Double.isInfinite(share)) {
                throw DatasetException.of("interleave_probs are numbers above 0, not " + share);
            }
        }
    }

    /// The chances of the datasets, which add up to 1; empty for turns.
    ///
    /// @param sizes examples in each dataset; only asked for where the weights depend on them
    List<Double> chances(int datasets, Supplier<List<Long>> sizes) {
        List<Double> raw = new ArrayList<>();
        switch (weights) {
            case TURNS -> {
                return List.of();
            }
            case EQUAL -> {
                for (int i = 0; i < datasets; i++) {
                    raw.add(1.0);
                }
            }
            case PROPORTIONAL -> sizes.get().forEach(size -> raw.add((double) size));
            case LOG -> sizes.get().forEach(size -> raw.add(Math.log(size)));
            case EXPLICIT -> raw.addAll(shares);
        }
        if (raw.size() != datasets) {
            throw DatasetException.of(
                    "interleave_probs has " + raw.size() + " numbers for " + datasets + " datasets. Give one for each");
        }
        double sum = raw.stream().mapToDouble(w -> w).sum();
        for (double weight : raw) {
            if (!(weight > 0)) {
                throw DatasetException.of("mix_weights: log gives a dataset of one example no weight at all. Use "
                        + "mix_weights: equal, or leave that dataset out");
            }
        }
        return raw.stream().map(w -> w / sum).toList();
    }
}
