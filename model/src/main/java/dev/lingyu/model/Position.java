package dev.lingyu.model;

/// How a decoder knows the order of its tokens.
public sealed interface Position {
    /// Attention scores fall linearly with distance, by a slope per head (Press et al. 2022): BLOOM,
    /// Baichuan-13B.
    record Alibi() implements Position {}

    /// Pairs of query and key features are turned by an angle that grows with the position (Su et al. 2021).
    ///
    /// @param theta       base of the geometric series of frequencies
    /// @param dimensions  how many features of each head are turned, from the first
    /// @param interleaved pairs are neighbours (GLM) instead of the two halves (LLaMA)
    /// @param scaling     how frequencies change for contexts longer than trained
    record Rope(double theta, int dimensions, boolean interleaved, RopeScaling scaling) implements Position {}

    /// A trained vector per position is added to the token's (GPT-2).
    ///
    /// @param positions how many there are
    record Learned(int positions) implements Position {}
}
