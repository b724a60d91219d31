package dev.lingyu.model.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.gguf.GgufType;
import dev.lingyu.tensor.gguf.GgufValue;
import dev.lingyu.tensor.gguf.GgufWriter;
import dev.lingyu.tensor.gguf.RowOrder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes a model as a GGUF file that llama.cpp loads: names, metadata and the order of rows as its own
/// `convert_hf_to_gguf.py` gives them.
public final class GgufExport {
    private static final int QUANTIZATION_VERSION = 2;

    private final Source source;
    private final Architecture architecture;
    private final Map<String, GgufValue> metadata = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();

    private GgufExport(Source source) {
        this.source = source;
        String modelType = source.config().path("model_type").asText();
        this.architecture = Architecture.ofModelType(modelType)
                .orElseThrow(() -> new GgufException(
                        "Models of the type \"%s\" can't be written as GGUF files here; llama, mistral, qwen2, qwen3 and bloom can."
                                .formatted(modelType)));
    }

    /// The model to write.
    ///
    /// @param name         what to call it in the file
    /// @param config       the fields of `config.json`
    /// @param weights      by Hugging Face's names, of any floating type
    /// @param tokenizer    where there is one
    /// @param chatTemplate where there is one
    public record Source(
            String name,
            JsonNode config,
            Map<String, Tensor> weights,
            Optional<Tokenizer> tokenizer,
            Optional<String> chatTemplate) {}

    /// Writes the file, whole or not at all; one that exists is replaced.
    ///
    /// @return what a reader of the file has to know: what GGUF, or llama.cpp, has no words for
    /// @throws GgufException when there is no GGUF architecture for the model
    public static List<String> write(Path file, Source source, GgufPrecision precision) throws IOException {
        return new GgufExport(source).write(file, precision);
    }

    private List<String> write(Path file, GgufPrecision precision) throws IOException {
        metadata.put("general.architecture", GgufValue.of(architecture.ggufName()));
        metadata.put("general.type", GgufValue.of("model"));
        metadata.put("general.name", GgufValue.of(source.name()));
        if (architecture == Architecture.BLOOM) {
            bloom();
        } else {
            llama();
        }
        metadata.put("general.file_type", GgufValue.of(precision.fileType()));
        metadata.put("general.quantization_version", GgufValue.of(QUANTIZATION_VERSION));
        source.tokenizer()
                .ifPresent(tokenizer -> TokenizerMetadata.add(
                        tokenizer, source.config().path("vocab_size").asInt(), metadata));
        if (source.tokenizer().isEmpty()) {
            notes.add("the model has no tokenizer, and neither has the file: llama.cpp does not load it");
        }
        source.chatTemplate().ifPresent(text -> metadata.put(TokenizerDocuments.TEMPLATE, GgufValue.of(text)));
        List<GgufWriter.Entry> entries = new ArrayList<>();
        ropeFactors().ifPresent(entries::add);
        source.weights().forEach((name, tensor) -> entries.add(entry(name, tensor, precision)));
        GgufWriter.write(file, metadata, entries);
        return List.copyOf(notes);
    }

    private void bloom() {
        int hidden = number("hidden_size");
        put("context_length", number("seq_length"));
        put("embedding_length", hidden);
        put("feed_forward_length", 4 * hidden);
        put("block_count", number("n_layer"));
        put("attention.head_count", number("n_head"));
        put("attention.head_count_kv", number("n_head"));
        real("attention.layer_norm_epsilon", source.config().path("layer_norm_epsilon"));
    }

    private void llama() {
        put("block_count", number("num_hidden_layers"));
        put("context_length", number("max_position_embeddings"));
        put("embedding_length", number("hidden_size"));
        put("feed_forward_length", number("intermediate_size"));
        put("attention.head_count", number("num_attention_heads"));
        put("attention.head_count_kv", number("num_key_value_heads"));
        rope();
        real("attention.layer_norm_rms_epsilon", source.config().path("rms_norm_eps"));
        put("attention.key_length", number("head_dim"));
        put("attention.value_length", number("head_dim"));
        if (architecture == Architecture.LLAMA) {
            put("vocab_size", number("vocab_size"));
            put("rope.dimension_count", number("head_dim"));
        }
        window();
    }

    private void rope() {
        JsonNode rope = source.config().path("rope_parameters");
        if (rope.path("partial_rotary_factor").asDouble(1) != 1) {
            throw new GgufException("Only a part of each head turns by its position (partial_rotary_factor "
                    + rope.path("partial_rotary_factor") + "), which a GGUF file of this architecture can't say.");
        }
        real("rope.freq_base", rope.path("rope_theta"));
        switch (rope.path("rope_type").asText("default")) {
            case "linear" -> {
                metadata.put(key("rope.scaling.type"), GgufValue.of("linear"));
                real("rope.scaling.factor", rope.path("factor"));
            }
            case "dynamic" ->
                notes.add("GGUF files can't say that rotary positions scale with the text (rope_type dynamic): beyond "
                        + rope.path("original_max_position_embeddings") + " tokens the file computes otherwise");
            default -> {}
        }
    }

    private void window() {
        JsonNode window = source.config().path("sliding_window");
        if (window.isMissingNode() || window.isNull()) {
            return;
        }
        if (architecture != Architecture.LLAMA) {
            if (source.config().path("use_sliding_window").asBoolean()) {
                throw new GgufException("The model attends in a sliding window, which a GGUF file of the architecture "
                        + architecture.ggufName() + " can't say.");
            }
            return;
        }
        put("attention.sliding_window", window.asInt());
        notes.add("llama.cpp does not read the sliding window of " + window
                + " tokens: beyond it, the file computes otherwise there");
    }

    private Optional<GgufWriter.Entry> ropeFactors() {
        return RopeFactors.Llama3.of(source.config().path("rope_parameters")).map(rule -> {
            double[] factors = rule.factors(
                    number("head_dim"),
                    source.config().path("rope_parameters").path("rope_theta").asDouble());
            float[] rounded = new float[factors.length];
            for (int i = 0; i < rounded.length; i++) {
                rounded[i] = (float) factors[i];
            }
            return new GgufWriter.Entry(
                    Architecture.ROPE_FACTORS,
                    GgufType.F32,
                    new long[] {rounded.length},
                    () -> Tensor.of(rounded, rounded.length));
        });
    }

    private GgufWriter.Entry entry(String name, Tensor tensor, GgufPrecision precision) {
        String stored = architecture
                .ggufName(name)
                .orElseThrow(() -> new GgufException("GGUF files of the architecture " + architecture.ggufName()
                        + " have no place for the tensor \"" + name + "\"."));
        boolean tied = source.config().path("tie_word_embeddings").asBoolean();
        boolean head = stored.equals(tied ? "token_embd.weight" : "output.weight");
        RowOrder order = architecture.inFile(stored, heads());
        return new GgufWriter.Entry(
                stored,
                precision.of(stored, head, tensor.shape()),
                tensor.shape(),
                () -> order == RowOrder.AS_STORED ? tensor : inOrder(tensor, order));
    }

    private Architecture.HeadShape heads() {
        return architecture == Architecture.BLOOM
                ? new Architecture.HeadShape(number("n_head"), number("hidden_size") / number("n_head"))
                : new Architecture.HeadShape(number("num_attention_heads"), number("head_dim"));
    }

    /// Puts each row where the file has it.
    private static Tensor inOrder(Tensor tensor, RowOrder order) {
        int rows = Math.toIntExact(tensor.size(0));
        int[] from = new int[rows];
        for (int row = 0; row < rows; row++) {
            from[Math.toIntExact(order.stored(row))] = row;
        }
        try (Tensor index = Tensor.of(from, rows);
                Tensor there = index.to(tensor.device())) {
            return tensor.indexSelect(0, there);
        }
    }

    private int number(String field) {
        JsonNode node = source.config().path(field);
        if (!node.canConvertToInt()) {
            throw new GgufException(
                    "config.json: the field \"" + field + "\" is missing; a whole number was expected.");
        }
        return node.intValue();
    }

    private String key(String name) {
        return architecture.ggufName() + "." + name;
    }

    private void put(String name, int value) {
        metadata.put(key(name), GgufValue.of(value));
    }

    private void real(String name, JsonNode value) {
        metadata.put(key(name), GgufValue.of((float) value.asDouble()));
    }
}
