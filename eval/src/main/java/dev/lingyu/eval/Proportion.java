package dev.lingyu.eval;

import java.util.Locale;

/// A share of successes with the uncertainty that its sample size leaves.
///
/// @param successes how many
/// @param trials    of how many
public record Proportion(int successes, int trials) {
    private static final double Z95 = 1.959963984540054;

    /// successes / trials.
    public double value() {
        return trials == 0 ? 0 : (double) successes / trials;
    }

    /// The lower end of Wilson's 95 % interval (Wilson 1927).
    public double low() {
        return Math.max(0, centre() - spread());
    }

    /// The upper end of Wilson's 95 % interval.
    public double high() {
        return Math.min(1, centre() + spread());
    }

    private double centre() {
        return trials == 0 ? 0.5 : (value() + Z95 * Z95 / (2 * trials)) / (1 + Z95 * Z95 / trials);
    }

    private double spread() {
        if (trials == 0) {
            return 0.5;
        }
        double p = value();
        return Z95 * Math.sqrt(p * (1 - p) / trials + Z95 * Z95 / (4.0 * trials * trials)) / (1 + Z95 * Z95 / trials);
    }

    /// Such as `71.2 % (645 of 906; 95 % interval 68.2–74.1 %)`.
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%.1f %% (%d of %d; 95 %% interval %.1f–%.1f %%)",
                100 * value(),
                successes,
                trials,
                100 * low(),
                100 * high());
    }
}
