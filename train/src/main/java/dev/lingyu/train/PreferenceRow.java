package dev.lingyu.train;

/// A prompt with a better and a worse answer, as reward models and DPO take them. Both rows begin with the same
/// ids, and only their answers have labels.
///
/// @param prompt the ids that both begin with
public record PreferenceRow(TrainingRow chosen, TrainingRow rejected, int prompt) {}
