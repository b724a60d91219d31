package dev.lingyu.train;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.Parameter;
import java.util.HashMap;
import java.util.Map;

/// Layer-wise learning rates: each layer learns at `decay` times the rate of the one above it, the embedding
/// slowest (Clark et al. 2020). With a decay of 1 all learn alike.
final class LayerRates {
    /// All weights at the same rate.
    static final LayerRates EQUAL = new LayerRates(1, Map.of(), 0);

    private final double decay;
    private final Map<Parameter, Integer> depth;
    private final int top;

    private LayerRates(double decay, Map<Parameter, Integer> depth, int top) {
        this.decay = decay;
        this.depth = depth;
        this.top = top;
    }

    /// @param decay above 0, at most 1
    static LayerRates of(Decoder decoder, double decay) {
        if (decay == 1) {
            return EQUAL;
        }
        Map<Parameter, Integer> depth = new HashMap<>();
        int layers = decoder.config().layers();
        decoder.parameters().forEach(p -> depth.put(p, layers + 1));
        depth.put(decoder.tokenEmbedding(), 0);
        decoder.positionEmbedding().ifPresent(p -> depth.put(p, 0));
        decoder.embeddingNormParameters().forEach(p -> depth.put(p, 0));
        for (int layer = 0; layer < layers; layer++) {
            for (Parameter parameter : decoder.blockParameters(layer)) {
                depth.put(parameter, layer + 1);
            }
        }
        return new LayerRates(decay, depth, layers + 1);
    }

    private int depth(Parameter parameter) {
        return depth.getOrDefault(parameter, top);
    }

    /// What the learning rate of a weight is multiplied by.
    double scale(Parameter parameter) {
        return Math.pow(decay, top - depth(parameter));
    }

    /// Distinguishes the groups of different rates.
    String suffix(Parameter parameter) {
        return decay == 1 ? "" : ".depth" + depth(parameter);
    }
}
