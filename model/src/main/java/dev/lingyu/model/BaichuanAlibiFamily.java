package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/// Baichuan-13B (2023): Baichuan-7B's layout with ALiBi instead of rotary positions.
///
/// Its `config.json` does not name the difference. What tells it apart is the published size (hidden 5120, 40
/// heads) or the field `model_max_length` where Baichuan-7B has `max_position_embeddings`.
final class BaichuanAlibiFamily implements Family {
    @Override
    public String modelType() {
        return "baichuan";
    }

    @Override
    public boolean claims(ConfigJson json) {
        boolean published = json.root().path("hidden_size").asInt() == 5120
                && json.root().path("num_attention_heads").asInt() == 40;
        return published
                || !json.root().has("max_position_embeddings") && json.root().has("model_max_length");
    }

    @Override
    public String title() {
        return "Baichuan-13B";
    }

    @Override
    public String architecture() {
        return "BaichuanForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        return BaichuanFamily.packed(json)
                .position(new Position.Alibi())
                .maxPositions(json.positiveOr(4096, "model_max_length"))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        LlamaFamily.writeCommon(config, json);
        json.remove("max_position_embeddings");
        json.put("model_max_length", config.maxPositions());
    }

    @Override
    public Map<Part, String> names() {
        return BaichuanFamily.packedNames();
    }

    @Override
    public String optionalPrefix() {
        return "model.";
    }
}
