package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;

/// Qwen3 (Yang et al. 2025): LLaMA with an RMSNorm on each query and key head and a head size of its own.
final class Qwen3Family implements Family {
    @Override
    public String modelType() {
        return "qwen3";
    }

    @Override
    public String title() {
        return "Qwen3";
    }

    @Override
    public String architecture() {
        return "Qwen3ForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        boolean bias = json.flagOr(false, "attention_bias");
        return LlamaFamily.common(json)
                .biases(new DecoderConfig.Biases(bias, bias, false))
                .queryKeyNorm(true)
                .slidingWindow(Qwen2Family.window(json))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        LlamaFamily.writeCommon(config, json);
        json.put("attention_bias", config.biases().queryKeyValue());
        Qwen2Family.writeWindow(config, json);
    }

    @Override
    public Map<Part, String> names() {
        Map<Part, String> names = new HashMap<>(LlamaFamily.separateNames());
        names.put(Part.QUERY_NORM, "model.layers.%d.self_attn.q_norm");
        names.put(Part.KEY_NORM, "model.layers.%d.self_attn.k_norm");
        return names;
    }

    @Override
    public String optionalPrefix() {
        return "model.";
    }
}
