package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/// BLOOM and BLOOMZ (Le Scao et al. 2022): ALiBi, a LayerNorm behind the embedding, query, key and value
/// interleaved by head in one matrix, GELU by tanh, tied head.
final class BloomFamily implements Family {
    @Override
    public String modelType() {
        return "bloom";
    }

    @Override
    public String title() {
        return "BLOOM";
    }

    @Override
    public String architecture() {
        return "BloomForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        json.refuse("apply_residual_connection_post_layernorm", "no published BLOOM uses it");
        int hidden = json.positive("hidden_size", "n_embed");
        int heads = json.positive("n_head", "num_attention_heads");
        return DecoderConfig.builder(new Position.Alibi())
                .vocabularySize(json.positive("vocab_size"))
                .hiddenSize(hidden)
                .layers(json.positive("n_layer", "num_hidden_layers"))
                .heads(heads)
                .keyValueHeads(heads)
                .headSize(hidden / heads)
                .intermediateSize(4 * hidden)
                .norm(DecoderConfig.Norm.LAYER_NORM)
                .normEpsilon(json.numberOr(1e-5, "layer_norm_epsilon"))
                .activation(Activation.GELU_TANH)
                .projections(DecoderConfig.Projections.FUSED_BY_HEAD)
                .biases(DecoderConfig.Biases.ALL)
                .embeddingNorm(true)
                .tiedHead(json.flagOr(true, "tie_word_embeddings"))
                .maxPositions(json.positiveOr(2048, "seq_length"))
                .initializerRange(json.numberOr(0.02, "initializer_range"))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        json.put("hidden_size", config.hiddenSize());
        json.put("n_head", config.heads());
        json.put("n_layer", config.layers());
        json.put("layer_norm_epsilon", config.normEpsilon());
        json.put("seq_length", config.maxPositions());
        json.put("initializer_range", config.initializerRange());
        json.put("apply_residual_connection_post_layernorm", false);
        json.put("attention_dropout", 0.0);
        json.put("hidden_dropout", 0.0);
    }

    @Override
    public Map<Part, String> names() {
        return Map.ofEntries(
                Map.entry(Part.TOKEN_EMBEDDING, "transformer.word_embeddings"),
                Map.entry(Part.EMBEDDING_NORM, "transformer.word_embeddings_layernorm"),
                Map.entry(Part.FINAL_NORM, "transformer.ln_f"),
                Map.entry(Part.HEAD, "lm_head"),
                Map.entry(Part.ATTENTION_NORM, "transformer.h.%d.input_layernorm"),
                Map.entry(Part.QUERY_KEY_VALUE, "transformer.h.%d.self_attention.query_key_value"),
                Map.entry(Part.ATTENTION_OUTPUT, "transformer.h.%d.self_attention.dense"),
                Map.entry(Part.FEED_FORWARD_NORM, "transformer.h.%d.post_attention_layernorm"),
                Map.entry(Part.UP, "transformer.h.%d.mlp.dense_h_to_4h"),
                Map.entry(Part.DOWN, "transformer.h.%d.mlp.dense_4h_to_h"));
    }

    @Override
    public String optionalPrefix() {
        return "transformer.";
    }
}
