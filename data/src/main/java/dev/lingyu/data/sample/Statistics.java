package dev.lingyu.data.sample;

import java.util.List;

/// How large the generated domain is, and how far guessing gets.
///
/// @param size              the size asked for
/// @param seed              the seed
/// @param knownProducts     products that training covers
/// @param newProducts       products that only the new-product test asks about
/// @param facts             facts that training teaches, policies included
/// @param parts             rows, characters and tokens of each part
/// @param guessPhrasings    share of the phrasing test [0–1] won by always answering the commonest value of the
/// attribute
/// @param guessNewProducts  the same for the new-product test: what a model that knows nothing about them can
///                          reach
public record Statistics(
        Size size,
        long seed,
        int knownProducts,
        int newProducts,
        int facts,
        List<Part> parts,
        double guessPhrasings,
        double guessNewProducts) {

    /// One part of the domain.
    ///
    /// @param name            file name without its ending
    /// @param rows            texts, rows or questions
    /// @param characters      characters of all texts
    /// @param estimatedTokens for a byte-pair vocabulary of about 2,000 trained on this domain
    public record Part(String name, int rows, long characters, long estimatedTokens) {}
}
