package dev.lingyu.train;

/// How examples become rows.
///
/// @param cutoff        the longest row [tokens], from `cutoff_len`
/// @param trainOnPrompt `train_on_prompt`: labels on everything, not only on the answers
/// @param maskHistory   `mask_history`: labels on the last answer only
public record RowOptions(int cutoff, boolean trainOnPrompt, boolean maskHistory) {
    /// Labels on all answers.
    public static RowOptions of(int cutoff) {
        return new RowOptions(cutoff, false, false);
    }
}
