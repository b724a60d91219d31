package dev.lingyu.train;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Tensor;

/// Noise on the embeddings in training (Jain et al. 2024): uniform in ±α / √(length · hidden).
///
/// @param alpha α; 0 for none
/// @param seed  equal seeds give equal noise for equal passes
record Neftune(double alpha, long seed) {
    static final Neftune NONE = new Neftune(0, 0);

    /// Adds noise.
    ///
    /// @param embedded [tokens × hidden]
    /// @param length   tokens of one sequence
    /// @param pass     the number of the training pass: a resumed run goes on with the same noise
    Tensor apply(Tensor embedded, int length, long pass) {
        if (alpha == 0) {
            return embedded;
        }
        double magnitude = alpha / Math.sqrt((double) length * embedded.size(1));
        try (Generator generator = Generator.seeded(seed * 0x9E3779B97F4A7C15L + pass)) {
            Tensor noise = Tensor.zeros(DType.F32, embedded.shape())
                    .uniformInPlace(-magnitude, magnitude, generator)
                    .to(embedded.dtype())
                    .to(embedded.device());
            return embedded.add(noise);
        }
    }
}
