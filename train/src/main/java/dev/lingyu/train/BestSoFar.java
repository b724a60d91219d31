package dev.lingyu.train;

/// The best held-out loss of a run, and for how many checks there was none better.
final class BestSoFar {
    private double loss = Double.POSITIVE_INFINITY;
    private int step = -1;
    private int checksSince;

    /// Hears of a check.
    ///
    /// @return whether it is the best one so far; a loss that is not finite never is
    boolean check(int atStep, double atLoss) {
        if (atLoss < loss) {
            loss = atLoss;
            step = atStep;
            checksSince = 0;
            return true;
        }
        checksSince++;
        return false;
    }

    /// The step of the best check; −1 before the first.
    int step() {
        return step;
    }

    double loss() {
        return loss;
    }

    /// Whether so many checks in a row were no better.
    boolean exhausted(int patience) {
        return patience > 0 && checksSince >= patience;
    }

    /// For a checkpoint.
    String state() {
        return step + " " + loss + " " + checksSince;
    }

    /// Goes back to a state that [#state] gave; an empty one changes nothing.
    void restore(String state) {
        if (!state.isEmpty()) {
            String[] parts = state.split(" ");
            step = Integer.parseInt(parts[0]);
            loss = Double.parseDouble(parts[1]);
            checksSince = Integer.parseInt(parts[2]);
        }
    }
}
