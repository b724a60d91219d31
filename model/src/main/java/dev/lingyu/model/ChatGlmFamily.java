package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/// ChatGLM2 and ChatGLM3 (Du et al. 2022; GLM team 2024), and GLM-4-9B in the layout of its first release:
/// fused query, key and value, half of each head rotated in neighbouring pairs, grouped keys, gate and up in
/// one matrix.
final class ChatGlmFamily implements Family {
    @Override
    public String modelType() {
        return "chatglm";
    }

    @Override
    public String title() {
        return "ChatGLM2, ChatGLM3";
    }

    @Override
    public String architecture() {
        return "ChatGLMModel";
    }

    @Override
    public String vocabularySizeField() {
        return "padded_vocab_size";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        if (json.root().has("inner_hidden_size")) {
            throw json.wrong(
                    "inner_hidden_size",
                    "ffn_hidden_size: this is the first ChatGLM, another architecture, which is not supported",
                    json.root().path("inner_hidden_size"));
        }
        json.refuse("apply_residual_connection_post_layernorm", "no published ChatGLM uses it");
        int heads = json.positive("num_attention_heads");
        int headSize = json.positive("kv_channels");
        boolean bias = json.flagOr(false, "add_bias_linear");
        boolean grouped = json.flagOr(false, "multi_query_attention");
        // The long-context releases of ChatGLM3 and GLM-4 stretch the base by this ratio.
        double theta = 10000 * json.numberOr(1, "rope_ratio");
        return DecoderConfig.builder(new Position.Rope(theta, headSize / 2, true, new RopeScaling.None()))
                .vocabularySize(json.positive("padded_vocab_size"))
                .hiddenSize(json.positive("hidden_size"))
                .layers(json.positive("num_layers"))
                .heads(heads)
                .keyValueHeads(grouped ? json.positive("multi_query_group_num") : heads)
                .headSize(headSize)
                .intermediateSize(json.positive("ffn_hidden_size"))
                .norm(json.flagOr(true, "rmsnorm") ? DecoderConfig.Norm.RMS_NORM : DecoderConfig.Norm.LAYER_NORM)
                .normEpsilon(json.numberOr(1e-5, "layernorm_epsilon"))
                .gated(true)
                .projections(
                        grouped ? DecoderConfig.Projections.FUSED_BY_KIND : DecoderConfig.Projections.FUSED_BY_HEAD)
                .biases(new DecoderConfig.Biases(bias || json.flagOr(false, "add_qkv_bias"), bias, bias))
                .tiedHead(json.flagOr(false, "tie_word_embeddings"))
                .maxPositions(json.positiveOr(2048, "seq_length"))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        json.put("hidden_size", config.hiddenSize());
        json.put("num_layers", config.layers());
        json.put("num_attention_heads", config.heads());
        json.put("multi_query_attention", config.projections() == DecoderConfig.Projections.FUSED_BY_KIND);
        json.put("multi_query_group_num", config.keyValueHeads());
        json.put("kv_channels", config.headSize());
        json.put("ffn_hidden_size", config.intermediateSize());
        json.put("rmsnorm", config.norm() == DecoderConfig.Norm.RMS_NORM);
        json.put("layernorm_epsilon", config.normEpsilon());
        json.put("add_qkv_bias", config.biases().queryKeyValue());
        json.put("add_bias_linear", config.biases().feedForward());
        json.put("post_layer_norm", true);
        json.put("original_rope", true);
        json.put("seq_length", config.maxPositions());
        if (config.position() instanceof Position.Rope rope) {
            json.put("rope_ratio", rope.theta() / 10000);
        }
    }

    @Override
    public Map<Part, String> names() {
        return Map.ofEntries(
                Map.entry(Part.TOKEN_EMBEDDING, "transformer.embedding.word_embeddings"),
                Map.entry(Part.FINAL_NORM, "transformer.encoder.final_layernorm"),
                Map.entry(Part.HEAD, "transformer.output_layer"),
                Map.entry(Part.ATTENTION_NORM, "transformer.encoder.layers.%d.input_layernorm"),
                Map.entry(Part.QUERY_KEY_VALUE, "transformer.encoder.layers.%d.self_attention.query_key_value"),
                Map.entry(Part.ATTENTION_OUTPUT, "transformer.encoder.layers.%d.self_attention.dense"),
                Map.entry(Part.FEED_FORWARD_NORM, "transformer.encoder.layers.%d.post_attention_layernorm"),
                Map.entry(Part.GATE_UP, "transformer.encoder.layers.%d.mlp.dense_h_to_4h"),
                Map.entry(Part.DOWN, "transformer.encoder.layers.%d.mlp.dense_4h_to_h"));
    }

    @Override
    public boolean isComputed(String name) {
        return name.endsWith("rotary_pos_emb.inv_freq");
    }
}
