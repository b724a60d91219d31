package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// GLM-4 in transformers' layout (GLM team 2024): half of each head rotated in neighbouring pairs, gate and
/// up in one matrix, biases on query, key and value.
final class GlmFamily implements Family {
    private static final double ROTATED_SHARE = 0.5;

    @Override
    public String modelType() {
        return "glm";
    }

    @Override
    public String title() {
        return "GLM-4";
    }

    @Override
    public String architecture() {
        return "GlmForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        int heads = json.positive("num_attention_heads");
        int headSize = json.positiveOr(json.positive("hidden_size") / heads, "head_dim");
        int maxPositions = json.positiveOr(131072, "max_position_embeddings");
        return LlamaFamily.common(json)
                .position(RopeConfig.read(json, headSize, maxPositions, ROTATED_SHARE, true))
                .biases(new DecoderConfig.Biases(json.flagOr(false, "attention_bias"), false, false))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        LlamaFamily.writeCommon(config, json);
        json.put("attention_bias", config.biases().queryKeyValue());
    }

    @Override
    public Map<Part, String> names() {
        Map<Part, String> names = new HashMap<>(LlamaFamily.separateNames());
        names.keySet().removeAll(List.of(Part.GATE, Part.UP));
        names.put(Part.GATE_UP, "model.layers.%d.mlp.gate_up_proj");
        return names;
    }

    @Override
    public String optionalPrefix() {
        return "model.";
    }
}
