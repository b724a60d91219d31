package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/// LLaMA 1 to 3 (Touvron et al. 2023) and its many children: RMSNorm, rotary positions, SwiGLU, grouped-query
/// attention.
final class LlamaFamily implements Family {
    @Override
    public String modelType() {
        return "llama";
    }

    @Override
    public String title() {
        return "LLaMA";
    }

    @Override
    public String architecture() {
        return "LlamaForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        boolean attentionBias = json.flagOr(false, "attention_bias");
        return common(json)
                .biases(new DecoderConfig.Biases(attentionBias, attentionBias, json.flagOr(false, "mlp_bias")))
                .build();
    }

    /// The fields that LLaMA shares with its descendants, and that mean the same there.
    static DecoderConfig.Builder common(ConfigJson json) {
        int hidden = json.positive("hidden_size");
        int heads = json.positive("num_attention_heads");
        int headSize = json.positiveOr(hidden / heads, "head_dim");
        int maxPositions = json.positiveOr(2048, "max_position_embeddings");
        return DecoderConfig.builder(RopeConfig.read(json, headSize, maxPositions))
                .vocabularySize(json.positive("vocab_size"))
                .hiddenSize(hidden)
                .layers(json.positive("num_hidden_layers"))
                .heads(heads)
                .keyValueHeads(json.positiveOr(heads, "num_key_value_heads"))
                .headSize(headSize)
                .intermediateSize(json.positive("intermediate_size"))
                .normEpsilon(json.numberOr(1e-6, "rms_norm_eps"))
                .activation(Activation.parse(json.textOr("silu", "hidden_act")))
                .gated(true)
                .tiedHead(json.flagOr(false, "tie_word_embeddings"))
                .maxPositions(maxPositions)
                .initializerRange(json.numberOr(0.02, "initializer_range"));
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        writeCommon(config, json);
        json.put("attention_bias", config.biases().queryKeyValue());
        json.put("mlp_bias", config.biases().feedForward());
    }

    /// Writes what [#common] reads.
    static void writeCommon(DecoderConfig config, ObjectNode json) {
        json.put("hidden_size", config.hiddenSize());
        json.put("num_attention_heads", config.heads());
        json.put("num_key_value_heads", config.keyValueHeads());
        json.put("head_dim", config.headSize());
        json.put("num_hidden_layers", config.layers());
        json.put("intermediate_size", config.intermediateSize());
        json.put("rms_norm_eps", config.normEpsilon());
        json.put("hidden_act", config.activation().configName());
        json.put("max_position_embeddings", config.maxPositions());
        json.put("initializer_range", config.initializerRange());
        RopeConfig.write(config, json);
    }

    @Override
    public Map<Part, String> names() {
        return separateNames();
    }

    @Override
    public String optionalPrefix() {
        return "model.";
    }

    /// The names that LLaMA, Mistral and Qwen2 share.
    static Map<Part, String> separateNames() {
        return Map.ofEntries(
                Map.entry(Part.TOKEN_EMBEDDING, "model.embed_tokens"),
                Map.entry(Part.FINAL_NORM, "model.norm"),
                Map.entry(Part.HEAD, "lm_head"),
                Map.entry(Part.ATTENTION_NORM, "model.layers.%d.input_layernorm"),
                Map.entry(Part.QUERY, "model.layers.%d.self_attn.q_proj"),
                Map.entry(Part.KEY, "model.layers.%d.self_attn.k_proj"),
                Map.entry(Part.VALUE, "model.layers.%d.self_attn.v_proj"),
                Map.entry(Part.ATTENTION_OUTPUT, "model.layers.%d.self_attn.o_proj"),
                Map.entry(Part.FEED_FORWARD_NORM, "model.layers.%d.post_attention_layernorm"),
                Map.entry(Part.GATE, "model.layers.%d.mlp.gate_proj"),
                Map.entry(Part.UP, "model.layers.%d.mlp.up_proj"),
                Map.entry(Part.DOWN, "model.layers.%d.mlp.down_proj"));
    }
}
