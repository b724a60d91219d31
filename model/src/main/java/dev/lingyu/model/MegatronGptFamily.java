package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;

/// GPT-3 as Megatron lays it out (Shoeybi et al. 2019), in the form of damo's models on ModelScope:
/// `type` gpt3 in `configuration.json`, weights in `mp_rank_00_model_states.pt`, often under `module`, query, key
/// and value interleaved by head, learned positions, tied head.
///
/// `intermediate_size`, `hidden_act` and `initializer_range`, which the published `config.json` files have, mean
/// nothing: the original reads `ffn_hidden_size` (4 × hidden where absent), `bias_gelu_fusion` and `init_method_std`.
final class MegatronGptFamily implements Family {
    @Override
    public String modelType() {
        return "gpt3";
    }

    @Override
    public String title() {
        return "GPT-3 (Megatron layout)";
    }

    @Override
    public String architecture() {
        return "GPT3Model";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        json.refuse("apply_residual_connection_post_layernorm", "no published model of this layout uses it");
        int hidden = json.positive("hidden_size");
        int heads = json.positive("num_attention_heads");
        int positions = json.positiveOr(2048, "max_position_embeddings");
        // Megatron's fused kernel, the usual choice, computes GELU by tanh.
        boolean fused = json.flagOr(true, "bias_gelu_fusion");
        return DecoderConfig.builder(new Position.Learned(positions))
                .vocabularySize(json.positive("vocab_size"))
                .hiddenSize(hidden)
                .layers(json.positive("num_hidden_layers"))
                .heads(heads)
                .keyValueHeads(heads)
                .headSize(json.positiveOr(hidden / heads, "kv_channels"))
                .intermediateSize(json.positiveOr(4 * hidden, "ffn_hidden_size"))
                .norm(DecoderConfig.Norm.LAYER_NORM)
                .normEpsilon(json.numberOr(1e-12, "layernorm_epsilon"))
                .activation(fused ? Activation.GELU_TANH : Activation.GELU)
                .projections(DecoderConfig.Projections.FUSED_BY_HEAD)
                .biases(DecoderConfig.Biases.ALL)
                .tiedHead(true)
                .maxPositions(positions)
                .initializerRange(json.numberOr(0.02, "init_method_std"))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        json.put("hidden_size", config.hiddenSize());
        json.put("num_attention_heads", config.heads());
        json.put("num_hidden_layers", config.layers());
        json.put("ffn_hidden_size", config.intermediateSize());
        json.put("max_position_embeddings", config.maxPositions());
        json.put("layernorm_epsilon", config.normEpsilon());
        json.put("bias_gelu_fusion", config.activation() == Activation.GELU_TANH);
        json.put("init_method_std", config.initializerRange());
    }

    @Override
    public Map<Part, String> names() {
        String layer = "language_model.encoder.layers.%d.";
        return Map.ofEntries(
                Map.entry(Part.TOKEN_EMBEDDING, "language_model.embedding.word_embeddings"),
                Map.entry(Part.POSITION_EMBEDDING, "language_model.embedding.position_embeddings"),
                Map.entry(Part.FINAL_NORM, "language_model.encoder.final_layernorm"),
                Map.entry(Part.HEAD, "lm_head"),
                Map.entry(Part.ATTENTION_NORM, layer + "input_layernorm"),
                Map.entry(Part.QUERY_KEY_VALUE, layer + "self_attention.query_key_value"),
                Map.entry(Part.ATTENTION_OUTPUT, layer + "self_attention.dense"),
                Map.entry(Part.FEED_FORWARD_NORM, layer + "post_attention_layernorm"),
                Map.entry(Part.UP, layer + "mlp.dense_h_to_4h"),
                Map.entry(Part.DOWN, layer + "mlp.dense_4h_to_h"));
    }

    @Override
    public List<Integer> usualEndTokens() {
        return List.of(1);
    }
}
