package dev.lingyu.model.gguf;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.gguf.GgufFile;
import dev.lingyu.tensor.gguf.GgufMetadata;
import dev.lingyu.tensor.gguf.GgufTensor;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Writes what a GGUF file's metadata says of a model's shape as `config.json` says it.
final class ConfigDocument {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final GgufFile file;
    private final GgufMetadata metadata;
    private final Architecture architecture;

    private ConfigDocument(GgufFile file, Architecture architecture) {
        this.file = file;
        this.metadata = file.metadata();
        this.architecture = architecture;
    }

    /// The document, without the type of the weights.
    ///
    /// @throws GgufException when a key is missing, or asks for something that this program does not compute
    static ObjectNode of(GgufFile file, Architecture architecture) {
        return new ConfigDocument(file, architecture).write();
    }

    private ObjectNode write() {
        ObjectNode json = JSON.createObjectNode();
        json.put("model_type", architecture.modelType());
        json.putArray("architectures").add(architecture.className());
        json.put("vocab_size", vocabularySize());
        if (architecture == Architecture.BLOOM) {
            bloom(json);
        } else {
            llama(json);
        }
        json.put("tie_word_embeddings", !file.tensors().containsKey("output.weight"));
        GgufVocabulary.read(metadata).ifPresent(vocabulary -> {
            vocabulary.special("bos").ifPresent(id -> json.put("bos_token_id", id));
            vocabulary.special("eos").ifPresent(id -> json.put("eos_token_id", id));
            vocabulary.special("padding").ifPresent(id -> json.put("pad_token_id", id));
        });
        return json;
    }

    /// The embedding's rows: the one number that weights and metadata must agree on.
    private int vocabularySize() {
        GgufTensor embedding = file.tensors().get("token_embd.weight");
        if (embedding == null) {
            throw new GgufException(file.path() + " lacks the tensor token_embd.weight: it holds no language model, or "
                    + "only a part of one.");
        }
        long rows = embedding.rows();
        OptionalLong said = metadata.whole(architecture.ggufName() + ".vocab_size");
        if (said.isPresent() && said.getAsLong() != rows) {
            throw new GgufException("%s contradicts itself: %s.vocab_size is %d, token_embd.weight has %d rows."
                    .formatted(file.path(), architecture.ggufName(), said.getAsLong(), rows));
        }
        int tokens = metadata.texts(GgufVocabulary.TOKENS).map(t -> t.size()).orElse(0);
        if (tokens > rows) {
            throw new GgufException("%s contradicts itself: %s lists %d tokens, token_embd.weight has %d rows."
                    .formatted(file.path(), GgufVocabulary.TOKENS, tokens, rows));
        }
        return Math.toIntExact(rows);
    }

    private void bloom(ObjectNode json) {
        int hidden = positive("embedding_length");
        int inner = positive("feed_forward_length");
        if (inner != 4 * hidden) {
            throw unsupported("feed_forward_length", "" + inner, "BLOOM's is 4 times embedding_length, " + 4 * hidden);
        }
        json.put("hidden_size", hidden);
        json.put("n_layer", layers());
        json.put("n_head", positive("attention.head_count"));
        json.put("layer_norm_epsilon", number("attention.layer_norm_epsilon", 1e-5));
        json.put("seq_length", positive("context_length"));
    }

    private void llama(ObjectNode json) {
        int hidden = positive("embedding_length");
        int heads = positive("attention.head_count");
        int headSize = positiveOr("attention.key_length", hidden / heads);
        refuseOthers(headSize);
        json.put("hidden_size", hidden);
        json.put("num_hidden_layers", layers());
        json.put("num_attention_heads", heads);
        int shared = positiveOr("attention.head_count_kv", heads);
        if (heads % shared != 0) {
            throw unsupported("attention.head_count_kv", "" + shared, heads + " heads can't share them evenly");
        }
        json.put("num_key_value_heads", shared);
        json.put("head_dim", headSize);
        json.put("intermediate_size", positive("feed_forward_length"));
        json.put("rms_norm_eps", number("attention.layer_norm_rms_epsilon", 1e-6));
        json.put("hidden_act", "silu");
        json.put("max_position_embeddings", positive("context_length"));
        double theta = number("rope.freq_base", 10000);
        json.put("rope_theta", theta);
        RopeFactors.read(file, metadata, architecture.ggufName(), headSize, theta)
                .ifPresent(scaling -> json.set("rope_scaling", scaling));
        boolean attentionBias = file.tensors().containsKey("blk.0.attn_q.bias");
        if (architecture != Architecture.QWEN2) {
            json.put("attention_bias", attentionBias);
        }
        if (architecture == Architecture.LLAMA) {
            json.put("mlp_bias", file.tensors().containsKey("blk.0.ffn_up.bias"));
            slidingWindow(json);
        }
    }

    /// llama.cpp's converter does not write Mistral's window, nor does llama.cpp read it; files that this program
    /// writes hold it.
    private void slidingWindow(ObjectNode json) {
        OptionalLong window = metadata.whole(key("attention.sliding_window"));
        if (window.isPresent() && window.getAsLong() > 0) {
            json.put("model_type", "mistral");
            json.putArray("architectures").add("MistralForCausalLM");
            json.put("sliding_window", positive("attention.sliding_window"));
            json.remove(List.of("attention_bias", "mlp_bias"));
        }
    }

    private void refuseOthers(int headSize) {
        if (headSize < 2 || headSize % 2 == 1) {
            throw unsupported("attention.key_length", "" + headSize, "heads of an even size were expected");
        }
        int experts = positiveOr("expert_count", 0);
        if (experts > 0) {
            throw unsupported("expert_count", "" + experts, "mixtures of experts are not supported");
        }
        int values = positiveOr("attention.value_length", headSize);
        if (values != headSize) {
            throw unsupported("attention.value_length", "" + values, "keys have " + headSize);
        }
        int turned = positiveOr("rope.dimension_count", headSize);
        if (turned != headSize) {
            throw unsupported("rope.dimension_count", "" + turned, "all " + headSize + " features of a head must turn");
        }
    }

    /// Checked before lists are made of that many layers.
    private int layers() {
        int layers = positive("block_count");
        if (layers > file.tensors().size()) {
            throw unsupported(
                    "block_count",
                    "" + layers,
                    "the file has only " + file.tensors().size() + " tensors");
        }
        return layers;
    }

    private String key(String name) {
        return architecture.ggufName() + "." + name;
    }

    private int positive(String name) {
        return optional(name)
                .orElseThrow(() -> new GgufException("%s lacks the metadata \"%s\"; a whole number ≥ 1 was expected."
                        .formatted(file.path(), key(name))));
    }

    private int positiveOr(String name, int otherwise) {
        return optional(name).orElse(otherwise);
    }

    private Optional<Integer> optional(String name) {
        OptionalLong value = metadata.whole(key(name));
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (value.getAsLong() < 0 || value.getAsLong() > Integer.MAX_VALUE) {
            throw unsupported(name, "" + value.getAsLong(), "a whole number ≥ 1 was expected");
        }
        return value.getAsLong() == 0 ? Optional.empty() : Optional.of((int) value.getAsLong());
    }

    /// Floats as their shortest decimals, as they stood in the `config.json` that they came from.
    private double number(String name, double otherwise) {
        double value = metadata.number(key(name)).orElse(otherwise);
        if (!(value > 0) || Double.isInfinite(value)) {
            throw unsupported(name, "" + value, "a number above 0 was expected");
        }
        return RopeFactors.decimal(value);
    }

    private GgufException unsupported(String name, String found, String why) {
        return new GgufException("%s, metadata \"%s\" is %s: %s.".formatted(file.path(), key(name), found, why));
    }
}
