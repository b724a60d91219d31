package dev.lingyu.train;

import java.util.Optional;

/// A prompt with one answer and whether people liked it, as KTO takes them.
///
/// @param row       the prompt with its answer
/// @param desirable whether the answer is to become more likely
/// @param mismatch  the prompt with another row's answer, for the estimate of the KL divergence
public record FeedbackRow(TrainingRow row, boolean desirable, Optional<TrainingRow> mismatch) {}
