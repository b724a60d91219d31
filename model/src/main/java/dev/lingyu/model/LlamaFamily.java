package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.OptionalInt;

/// LLaMA 1 to 3 (Touvron et al. 2023) and its many children: RMSNorm, rotary positions, SwiGLU, grouped-query
/// attention.
final class LlamaFamily implements Family {
    @Override
    public String modelType() {
        return "llama";
    }

    @Override
    public String architecture() {
        return "LlamaForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        int hidden = json.positive("hidden_size");
        int heads = json.positive("num_attention_heads");
        int headSize = json.positiveOr(hidden / heads, "head_dim");
        int maxPositions = json.positiveOr(2048, "max_position_embeddings");
        boolean attentionBias = json.flagOr(false, "attention_bias");
        return new DecoderConfig(
                json.positive("vocab_size"),
                hidden,
                json.positive("num_hidden_layers"),
                heads,
                json.positiveOr(heads, "num_key_value_heads"),
                headSize,
                json.positive("intermediate_size"),
                DecoderConfig.Norm.RMS_NORM,
                json.numberOr(1e-6, "rms_norm_eps"),
                RopeConfig.read(json, headSize, maxPositions),
                Activation.parse(json.textOr("silu", "hidden_act")),
                true,
                DecoderConfig.Projections.SEPARATE,
                new DecoderConfig.Biases(attentionBias, attentionBias, json.flagOr(false, "mlp_bias")),
                false,
                false,
                json.flagOr(false, "tie_word_embeddings"),
                OptionalInt.empty(),
                maxPositions,
                json.numberOr(0.02, "initializer_range"));
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        json.put("hidden_size", config.hiddenSize());
        json.put("num_attention_heads", config.heads());
        json.put("num_key_value_heads", config.keyValueHeads());
        json.put("head_dim", config.headSize());
        json.put("num_hidden_layers", config.layers());
        json.put("intermediate_size", config.intermediateSize());
        json.put("rms_norm_eps", config.normEpsilon());
        json.put("hidden_act", "silu");
        json.put("attention_bias", config.biases().queryKeyValue());
        json.put("mlp_bias", config.biases().feedForward());
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
