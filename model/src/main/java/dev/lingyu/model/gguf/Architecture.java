package dev.lingyu.model.gguf;

import dev.lingyu.tensor.gguf.RowOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// The architectures that GGUF files and this program have in common, with the names of their weights on both
/// sides; `%d` stands for the layer.
enum Architecture {
    LLAMA("llama", "llama", "LlamaForCausalLM"),
    QWEN2("qwen2", "qwen2", "Qwen2ForCausalLM"),
    QWEN3("qwen3", "qwen3", "Qwen3ForCausalLM"),
    BLOOM("bloom", "bloom", "BloomForCausalLM");

    /// A tensor that holds Llama 3's frequency factors; follows from the config, so it is no weight.
    static final String ROPE_FACTORS = "rope_freqs.weight";

    private static final Pattern LAYER = Pattern.compile("\\.(\\d+)\\.");

    private static final Map<String, String> COMMON = Map.ofEntries(
            Map.entry("token_embd", "model.embed_tokens"),
            Map.entry("output_norm", "model.norm"),
            Map.entry("output", "lm_head"),
            Map.entry("blk.%d.attn_norm", "model.layers.%d.input_layernorm"),
            Map.entry("blk.%d.attn_q", "model.layers.%d.self_attn.q_proj"),
            Map.entry("blk.%d.attn_k", "model.layers.%d.self_attn.k_proj"),
            Map.entry("blk.%d.attn_v", "model.layers.%d.self_attn.v_proj"),
            Map.entry("blk.%d.attn_q_norm", "model.layers.%d.self_attn.q_norm"),
            Map.entry("blk.%d.attn_k_norm", "model.layers.%d.self_attn.k_norm"),
            Map.entry("blk.%d.attn_output", "model.layers.%d.self_attn.o_proj"),
            Map.entry("blk.%d.ffn_norm", "model.layers.%d.post_attention_layernorm"),
            Map.entry("blk.%d.ffn_gate", "model.layers.%d.mlp.gate_proj"),
            Map.entry("blk.%d.ffn_up", "model.layers.%d.mlp.up_proj"),
            Map.entry("blk.%d.ffn_down", "model.layers.%d.mlp.down_proj"));

    private static final Map<String, String> OF_BLOOM = Map.ofEntries(
            Map.entry("token_embd", "transformer.word_embeddings"),
            Map.entry("token_embd_norm", "transformer.word_embeddings_layernorm"),
            Map.entry("output_norm", "transformer.ln_f"),
            Map.entry("output", "lm_head"),
            Map.entry("blk.%d.attn_norm", "transformer.h.%d.input_layernorm"),
            Map.entry("blk.%d.attn_qkv", "transformer.h.%d.self_attention.query_key_value"),
            Map.entry("blk.%d.attn_output", "transformer.h.%d.self_attention.dense"),
            Map.entry("blk.%d.ffn_norm", "transformer.h.%d.post_attention_layernorm"),
            Map.entry("blk.%d.ffn_up", "transformer.h.%d.mlp.dense_h_to_4h"),
            Map.entry("blk.%d.ffn_down", "transformer.h.%d.mlp.dense_4h_to_h"));

    private final String ggufName;
    private final String modelType;
    private final String className;

    Architecture(String ggufName, String modelType, String className) {
        this.ggufName = ggufName;
        this.modelType = modelType;
        this.className = className;
    }

    /// The value of `general.architecture`, and the prefix of its own keys.
    String ggufName() {
        return ggufName;
    }

    /// The `model_type` of `config.json`.
    String modelType() {
        return modelType;
    }

    /// The class in `architectures` of `config.json`.
    String className() {
        return className;
    }

    /// The architecture that `general.architecture` names.
    static Optional<Architecture> ofGguf(String name) {
        return Arrays.stream(values()).filter(a -> a.ggufName.equals(name)).findFirst();
    }

    /// The architecture as which a model of a `model_type` is written; Mistral is llama to llama.cpp.
    static Optional<Architecture> ofModelType(String modelType) {
        return modelType.equals("mistral")
                ? Optional.of(LLAMA)
                : Arrays.stream(values())
                        .filter(a -> a.modelType.equals(modelType))
                        .findFirst();
    }

    /// All names, for messages.
    static String names() {
        return Arrays.stream(values()).map(Architecture::ggufName).collect(Collectors.joining(", "));
    }

    /// What Hugging Face calls a tensor of a GGUF file; empty where it has no place there.
    Optional<String> huggingFaceName(String ggufTensor) {
        return translated(table(), ggufTensor);
    }

    /// What GGUF files call a weight of a Hugging Face directory; empty where they have none.
    Optional<String> ggufName(String weight) {
        Map<String, String> back = new HashMap<>();
        table().forEach((gguf, huggingFace) -> back.put(huggingFace, gguf));
        return translated(back, weight);
    }

    private Map<String, String> table() {
        return this == BLOOM ? OF_BLOOM : COMMON;
    }

    /// Looks a name up without its layer and without `.weight` or `.bias`.
    private static Optional<String> translated(Map<String, String> table, String name) {
        int dot = name.lastIndexOf('.');
        String suffix = dot < 0 ? "" : name.substring(dot);
        if (!suffix.equals(".weight") && !suffix.equals(".bias")) {
            return Optional.empty();
        }
        String stem = name.substring(0, dot);
        Matcher layer = LAYER.matcher(stem);
        boolean inBlock = layer.find();
        String found = table.get(inBlock ? layer.replaceFirst(".%d.") : stem);
        return Optional.ofNullable(found)
                .map(other -> (inBlock ? other.replace("%d", layer.group(1)) : other) + suffix);
    }

    /// Where the rows of a weight stand in a GGUF file.
    ///
    /// llama.cpp turns neighbouring rows of LLaMA's queries and keys by one angle where Hugging Face turns row i
    /// and row i + half, and keeps BLOOM's queries, keys and values apart where Hugging Face goes head by head.
    RowOrder inFile(String ggufTensor, HeadShape heads) {
        String part = ggufTensor.replaceFirst("^blk\\.\\d+\\.", "").replaceFirst("\\.(weight|bias)$", "");
        long size = heads.size();
        if (this == LLAMA && (part.equals("attn_q") || part.equals("attn_k"))) {
            return row -> {
                long within = row % size;
                return row - within + 2 * (within % (size / 2)) + within / (size / 2);
            };
        }
        if (this == BLOOM && part.equals("attn_qkv")) {
            return row -> {
                long head = row / (3 * size);
                long kind = row % (3 * size) / size;
                return (kind * heads.count() + head) * size + row % size;
            };
        }
        return RowOrder.AS_STORED;
    }

    /// @param count query heads
    /// @param size  rows of each
    record HeadShape(int count, int size) {}
}
