package dev.lingyu.data.sample;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// Seeded choices that are the same on every machine: `java.util.Random`'s algorithm and `String.hashCode` are
/// specified.
final class Draw {
    private final Random random;

    /// Each part of the domain draws from its own stream, so that a change in one leaves the others as they
    /// were.
    Draw(long seed, String part) {
        this.random = new Random(seed * 1_000_003L + part.hashCode());
    }

    <T> T one(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    /// A shuffled copy (Fisher–Yates).
    <T> List<T> shuffled(List<T> items) {
        List<T> copy = new ArrayList<>(items);
        for (int i = copy.size() - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            T swap = copy.get(i);
            copy.set(i, copy.get(j));
            copy.set(j, swap);
        }
        return copy;
    }
}
