package dev.lingyu.engine;

/// A token and the natural logarithm of its probability.
///
/// @param id token id
/// @param logprob log-softmax of the model's raw logits at that id, 0 or less; -infinity where the logit
///     is
public record TokenLogprob(int id, float logprob) {}
