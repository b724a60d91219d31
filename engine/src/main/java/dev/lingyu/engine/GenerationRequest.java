package dev.lingyu.engine;

/// What to continue, and how.
///
/// @param promptIds at least one token
/// @param params    how tokens are chosen and when to stop
public record GenerationRequest(int[] promptIds, SamplingParams params) {
    public GenerationRequest {
        if (promptIds.length == 0) {
            throw new SamplingException("The prompt is empty: at least one token is needed to continue from.");
        }
    }
}
