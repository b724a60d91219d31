package dev.lingyu.train;

/// The dynamic loss scale of f16 training (Micikevicius et al. 2018): losses are multiplied so that small gradients do
/// not vanish in f16. A step whose gradients overflow is skipped and the scale halved; after a number of good steps it
/// is doubled.
///
/// In other types the scale is 1 and never changes.
final class LossScaler {
    private static final double INITIAL = 65_536;
    private static final double LARGEST = 1 << 24;
    private static final int GROWTH_INTERVAL = 2_000;

    private final boolean active;
    private double scale;
    private int goodSteps;

    LossScaler(boolean active) {
        this.active = active;
        this.scale = active ? INITIAL : 1;
    }

    /// What losses are multiplied by, and gradients divided by.
    double scale() {
        return scale;
    }

    /// Whether a smaller scale may still help after an overflow.
    boolean canShrink() {
        return active && scale > 1;
    }

    /// The gradients were finite.
    void good() {
        if (active && ++goodSteps >= GROWTH_INTERVAL) {
            scale = Math.min(LARGEST, 2 * scale);
            goodSteps = 0;
        }
    }

    /// The gradients were not finite.
    void overflowed() {
        if (active) {
            scale = Math.max(1, scale / 2);
            goodSteps = 0;
        }
    }

    /// For a checkpoint: scale and good steps.
    String state() {
        return scale + " " + goodSteps;
    }

    /// Goes back to a state that [#state] gave; an empty one changes nothing.
    void restore(String state) {
        if (active && !state.isEmpty()) {
            String[] parts = state.split(" ");
            scale = Double.parseDouble(parts[0]);
            goodSteps = Integer.parseInt(parts[1]);
        }
    }
}
