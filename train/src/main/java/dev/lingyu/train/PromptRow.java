package dev.lingyu.train;

/// A prompt that a model is to continue, up to and including what opens the answer, as PPO and GRPO take them.
///
/// @param ids    the prompt [tokens]
/// @param answer the dataset's own answer with its end token, empty where it has none [tokens]
public record PromptRow(int[] ids, int[] answer) {}
