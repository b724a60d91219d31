package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;

/// Baichuan-7B (2023): LLaMA with query, key and value in one matrix, `W_pack`.
final class BaichuanFamily implements Family {
    @Override
    public String modelType() {
        return "baichuan";
    }

    @Override
    public String title() {
        return "Baichuan-7B";
    }

    @Override
    public String architecture() {
        return "BaiChuanForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        return packed(json).build();
    }

    /// LLaMA's fields with packed projections.
    ///
    /// @throws ModelException for Baichuan 2, which has the same `model_type` but scales the rows of its head
    static DecoderConfig.Builder packed(ConfigJson json) {
        if (json.root().has("z_loss_weight")) {
            throw json.wrong(
                    "z_loss_weight",
                    "no such field: it marks Baichuan 2, whose normalised head is not supported",
                    json.root().path("z_loss_weight"));
        }
        return LlamaFamily.common(json).projections(DecoderConfig.Projections.FUSED_BY_KIND);
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        LlamaFamily.writeCommon(config, json);
    }

    @Override
    public Map<Part, String> names() {
        return packedNames();
    }

    static Map<Part, String> packedNames() {
        Map<Part, String> names = new HashMap<>(LlamaFamily.separateNames());
        names.keySet().removeAll(java.util.List.of(Part.QUERY, Part.KEY, Part.VALUE));
        names.put(Part.QUERY_KEY_VALUE, "model.layers.%d.self_attn.W_pack");
        return names;
    }

    @Override
    public String optionalPrefix() {
        return "model.";
    }
}
