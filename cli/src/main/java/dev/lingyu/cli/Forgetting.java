package dev.lingyu.cli;

/// What a base model still knows of the world after it was specialised.
///
/// @param base   the base model's directory
/// @param before the base alone
/// @param after  with the adapter
record Forgetting(String base, Knowledge before, Knowledge after) {
    /// How many times the base's perplexity of general Chinese it has become.
    double perplexityGrowth() {
        return after.perplexity() / before.perplexity();
    }
}
