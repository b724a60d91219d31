package dev.lingyu.engine;

import java.util.Locale;

/// How the next token is chosen.
public enum DecodingMethod {
    /// The most probable token; of equal ones the lowest id.
    GREEDY,
    /// A random draw from the distribution left by temperature, top-k, top-p, min-p and typical-p.
    SAMPLE,
    /// Several running sequences at once; the one with the best length-normalised log-probability wins.
    BEAM,
    /// Of the top-k tokens the one that is probable and least like what stands already (Su et al. 2022,
    /// SimCTG).
    CONTRASTIVE;

    /// Reads a name as users write it: `greedy`, `sample`, `beam` or `contrastive`.
    ///
    /// @throws SamplingException for any other name
    public static DecodingMethod parse(String name) {
        return switch (name.strip().toLowerCase(Locale.ROOT)) {
            case "greedy" -> GREEDY;
            case "sample" -> SAMPLE;
            case "beam" -> BEAM;
            case "contrastive" -> CONTRASTIVE;
            default ->
                throw new SamplingException(
                        "decoder is \"" + name + "\"; expected greedy, sample, beam or contrastive.");
        };
    }

    /// The name as [#parse(String)] reads it.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
