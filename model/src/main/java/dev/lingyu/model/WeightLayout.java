package dev.lingyu.model;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// Which weights a decoder has and what shape each is: follows from the config alone.
final class WeightLayout {
    private final DecoderConfig config;
    private final Map<Part, String> names;
    private final Map<String, long[]> shapes = new LinkedHashMap<>();

    private WeightLayout(DecoderConfig config, Map<Part, String> names) {
        this.config = config;
        this.names = names;
    }

    /// Shapes by weight name, in the order in which files list them.
    static Map<String, long[]> shapes(DecoderConfig config, Map<Part, String> names) {
        WeightLayout layout = new WeightLayout(config, names);
        layout.collect();
        return layout.shapes;
    }

    /// The names of the weights that the family's files hold as [in × out].
    static Set<String> transposedInFiles(DecoderConfig config, Family family) {
        Set<String> transposed = new HashSet<>();
        for (Part part : family.transposedInFiles()) {
            for (int layer = 0; layer < config.layers(); layer++) {
                transposed.add(family.names().getOrDefault(part, "").formatted(layer) + ".weight");
            }
        }
        return transposed;
    }

    private void collect() {
        long hidden = config.hiddenSize();
        weight(Part.TOKEN_EMBEDDING, 0, config.vocabularySize(), hidden);
        if (config.position() instanceof Position.Learned learned) {
            weight(Part.POSITION_EMBEDDING, 0, learned.positions(), hidden);
        }
        if (config.embeddingNorm()) {
            norm(Part.EMBEDDING_NORM, 0, hidden);
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            block(layer, hidden);
        }
        norm(Part.FINAL_NORM, 0, hidden);
        if (!config.tiedHead()) {
            weight(Part.HEAD, 0, config.vocabularySize(), hidden);
        }
    }

    private void block(int layer, long hidden) {
        long queries = (long) config.heads() * config.headSize();
        long keys = (long) config.keyValueHeads() * config.headSize();
        DecoderConfig.Biases biases = config.biases();
        norm(Part.ATTENTION_NORM, layer, hidden);
        if (config.projections() == DecoderConfig.Projections.SEPARATE) {
            linear(Part.QUERY, layer, queries, hidden, biases.queryKeyValue());
            linear(Part.KEY, layer, keys, hidden, biases.queryKeyValue());
            linear(Part.VALUE, layer, keys, hidden, biases.queryKeyValue());
        } else {
            linear(Part.QUERY_KEY_VALUE, layer, queries + 2 * keys, hidden, biases.queryKeyValue());
        }
        if (config.queryKeyNorm()) {
            weight(Part.QUERY_NORM, layer, config.headSize());
            weight(Part.KEY_NORM, layer, config.headSize());
        }
        linear(Part.ATTENTION_OUTPUT, layer, hidden, queries, biases.attentionOutput());
        norm(Part.FEED_FORWARD_NORM, layer, hidden);
        long inner = config.intermediateSize();
        if (config.gated() && names.containsKey(Part.GATE_UP)) {
            linear(Part.GATE_UP, layer, 2 * inner, hidden, biases.feedForward());
        } else {
            if (config.gated()) {
                linear(Part.GATE, layer, inner, hidden, biases.feedForward());
            }
            linear(Part.UP, layer, inner, hidden, biases.feedForward());
        }
        linear(Part.DOWN, layer, hidden, inner, biases.feedForward());
    }

    private void norm(Part part, int layer, long size) {
        weight(part, layer, size);
        if (config.norm() == DecoderConfig.Norm.LAYER_NORM) {
            shapes.put(name(part, layer) + ".bias", new long[] {size});
        }
    }

    private void linear(Part part, int layer, long out, long in, boolean bias) {
        weight(part, layer, out, in);
        if (bias) {
            shapes.put(name(part, layer) + ".bias", new long[] {out});
        }
    }

    private void weight(Part part, int layer, long... shape) {
        shapes.put(name(part, layer) + ".weight", shape);
    }

    private String name(Part part, int layer) {
        String name = names.get(part);
        if (name == null) {
            throw new IllegalStateException("The family names no " + part + ", which its config asks for.");
        }
        return name.formatted(layer);
    }
}
