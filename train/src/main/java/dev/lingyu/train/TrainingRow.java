package dev.lingyu.train;

/// One sequence as the model sees it.
///
/// @param ids    tokens
/// @param labels for each position the token that should stand there, or [#IGNORE] where no loss is taken; the
///               first
///               is
///               never predicted
public record TrainingRow(int[] ids, int[] labels) {
    /// The label of a position without loss, as in PyTorch's cross-entropy.
    public static final int IGNORE = -100;

    public TrainingRow {
        if (ids.length != labels.length) {
            throw new IllegalArgumentException(
                    "One label for each id: " + ids.length + " ids, " + labels.length + " labels.");
        }
    }

    /// A row that is trained on everywhere.
    public static TrainingRow all(int[] ids) {
        return new TrainingRow(ids, ids);
    }

    /// How many positions are predicted.
    public int labelCount() {
        int count = 0;
        for (int i = 1; i < labels.length; i++) {
            count += labels[i] == IGNORE ? 0 : 1;
        }
        return count;
    }
}
