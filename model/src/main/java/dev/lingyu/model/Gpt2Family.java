package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Set;

/// GPT-2 (Radford et al. 2019): learned positions, LayerNorm, biases everywhere, matrices stored as [in × out].
final class Gpt2Family implements Family {
    @Override
    public String modelType() {
        return "gpt2";
    }

    @Override
    public String title() {
        return "GPT-2";
    }

    @Override
    public String architecture() {
        return "GPT2LMHeadModel";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        json.refuse("scale_attn_by_inverse_layer_idx", "GPT-2 itself does not use it");
        int hidden = json.positive("n_embd", "hidden_size");
        int heads = json.positive("n_head", "num_attention_heads");
        int positions = json.positiveOr(1024, "n_positions", "n_ctx");
        return DecoderConfig.builder(new Position.Learned(positions))
                .vocabularySize(json.positive("vocab_size"))
                .hiddenSize(hidden)
                .layers(json.positive("n_layer", "num_hidden_layers"))
                .heads(heads)
                .keyValueHeads(heads)
                .headSize(hidden / heads)
                .intermediateSize(json.positiveOr(4 * hidden, "n_inner"))
                .norm(DecoderConfig.Norm.LAYER_NORM)
                .normEpsilon(json.numberOr(1e-5, "layer_norm_epsilon"))
                .activation(Activation.parse(json.textOr("gelu_new", "activation_function")))
                .projections(DecoderConfig.Projections.FUSED_BY_KIND)
                .biases(DecoderConfig.Biases.ALL)
                .tiedHead(json.flagOr(true, "tie_word_embeddings"))
                .maxPositions(positions)
                .initializerRange(json.numberOr(0.02, "initializer_range"))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        json.put("n_embd", config.hiddenSize());
        json.put("n_head", config.heads());
        json.put("n_layer", config.layers());
        json.put("n_inner", config.intermediateSize());
        json.put("n_positions", config.maxPositions());
        json.put("layer_norm_epsilon", config.normEpsilon());
        json.put("activation_function", config.activation().configName());
        json.put("initializer_range", config.initializerRange());
    }

    @Override
    public Map<Part, String> names() {
        return Map.ofEntries(
                Map.entry(Part.TOKEN_EMBEDDING, "transformer.wte"),
                Map.entry(Part.POSITION_EMBEDDING, "transformer.wpe"),
                Map.entry(Part.FINAL_NORM, "transformer.ln_f"),
                Map.entry(Part.HEAD, "lm_head"),
                Map.entry(Part.ATTENTION_NORM, "transformer.h.%d.ln_1"),
                Map.entry(Part.QUERY_KEY_VALUE, "transformer.h.%d.attn.c_attn"),
                Map.entry(Part.ATTENTION_OUTPUT, "transformer.h.%d.attn.c_proj"),
                Map.entry(Part.FEED_FORWARD_NORM, "transformer.h.%d.ln_2"),
                Map.entry(Part.UP, "transformer.h.%d.mlp.c_fc"),
                Map.entry(Part.DOWN, "transformer.h.%d.mlp.c_proj"));
    }

    @Override
    public Set<Part> transposedInFiles() {
        return Set.of(Part.QUERY_KEY_VALUE, Part.ATTENTION_OUTPUT, Part.UP, Part.DOWN);
    }

    @Override
    public String optionalPrefix() {
        return "transformer.";
    }
}
