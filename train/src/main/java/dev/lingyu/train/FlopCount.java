package dev.lingyu.train;

import dev.lingyu.model.Decoder;

/// The floating-point operations of a model's own matrix products in training: the numerator of MFU.
///
/// A weight costs a token 2 going forward, 2 for the gradient of its input, and 2 for its own gradient if it is
/// trained. Attention, recomputation and everything elementwise are not counted; the head counts once, tied or
/// not.
final class FlopCount {
    private FlopCount() {}

    static double perToken(Decoder decoder, Optimizer optimizer) {
        return decoder.matmulWeights().stream()
                .mapToDouble(p -> (optimizer.updates(p) ? 6.0 : 4.0) * p.count())
                .sum();
    }
}
