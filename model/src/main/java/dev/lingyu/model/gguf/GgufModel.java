package dev.lingyu.model.gguf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.gguf.GgufFile;
import dev.lingyu.tensor.gguf.GgufTensor;
import dev.lingyu.tensor.gguf.GgufType;
import dev.lingyu.tensor.gguf.RowOrder;
import dev.lingyu.tensor.kernel.Quantization;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// A GGUF file seen as the Hugging Face directory it would be: `config.json`, the tokenizer's documents, and
/// weights by Hugging Face's names with rows in Hugging Face's order.
///
/// ```java
/// GgufModel model = GgufModel.open(Path.of("model.gguf"));
/// try (Tensor weight = model.tensor("model.layers.0.self_attn.q_proj.weight", DType.BF16)) { … }
/// ```
public final class GgufModel {
    private static final String ARCHITECTURE = "general.architecture";

    private final GgufFile file;
    private final Architecture architecture;
    private final ObjectNode config;
    private final Map<String, Weight> weights;
    private final Map<String, byte[]> documents;

    private GgufModel(
            GgufFile file,
            Architecture architecture,
            ObjectNode config,
            Map<String, Weight> weights,
            Map<String, byte[]> documents) {
        this.file = file;
        this.architecture = architecture;
        this.config = config;
        this.weights = Collections.unmodifiableMap(weights);
        this.documents = documents;
    }

    /// Where a weight is: everything that unpacking it, or computing with its blocks as they stand, needs.
    ///
    /// @param stored the tensor in the file
    /// @param order  which of its rows comes where
    public record Weight(GgufTensor stored, RowOrder order) {}

    /// Opens a file; its weights are only read when they are asked for.
    ///
    /// @throws dev.lingyu.tensor.TensorException when the file is no sound GGUF file
    /// @throws GgufException when it holds no model of a supported architecture, or contradicts itself
    public static GgufModel open(Path path) {
        GgufFile file = GgufFile.open(path);
        String name = file.metadata()
                .text(ARCHITECTURE)
                .orElseThrow(() -> new GgufException(
                        "%s does not say which architecture it holds (metadata %s).".formatted(path, ARCHITECTURE)));
        Architecture architecture = Architecture.ofGguf(name)
                .orElseThrow(() -> new GgufException("%s holds a model of the architecture \"%s\"; supported are %s."
                        .formatted(path, name, Architecture.names())));
        ObjectNode config = ConfigDocument.of(file, architecture);
        Optional<GgufVocabulary> vocabulary = GgufVocabulary.read(file.metadata());
        return new GgufModel(
                file,
                architecture,
                config,
                weights(file, architecture, heads(config)),
                vocabulary.map(TokenizerDocuments::of).orElseGet(Map::of));
    }

    private static Architecture.HeadShape heads(ObjectNode config) {
        int count =
                config.path("num_attention_heads").asInt(config.path("n_head").asInt());
        return new Architecture.HeadShape(
                count, config.path("head_dim").asInt(config.path("hidden_size").asInt() / count));
    }

    /// A tensor that has no place in Hugging Face's directories keeps its own name, so that it is missed there.
    private static Map<String, Weight> weights(GgufFile file, Architecture architecture, Architecture.HeadShape heads) {
        Map<String, Weight> weights = new LinkedHashMap<>();
        for (GgufTensor tensor : file.tensors().values()) {
            if (!tensor.name().equals(Architecture.ROPE_FACTORS)) {
                weights.put(
                        architecture.huggingFaceName(tensor.name()).orElse(tensor.name()),
                        new Weight(tensor, architecture.inFile(tensor.name(), heads)));
            }
        }
        return weights;
    }

    /// The file's path.
    public Path path() {
        return file.path();
    }

    /// The architecture as the file names it.
    public String architecture() {
        return architecture.ggufName();
    }

    /// The file with its metadata and tensors as they stand.
    public GgufFile file() {
        return file;
    }

    /// The fields of `config.json`.
    public ObjectNode config() {
        return config.deepCopy().put("dtype", usualType().torchName());
    }

    /// `tokenizer.json`, `tokenizer_config.json` and `generation_config.json` by name; empty where the file has
    /// no tokenizer.
    public Map<String, byte[]> documents() {
        return documents;
    }

    /// The chat template.
    public Optional<String> chatTemplate() {
        return TokenizerDocuments.chatTemplate(file.metadata());
    }

    /// The weights by Hugging Face's names.
    public Map<String, Weight> weights() {
        return weights;
    }

    /// What the file calls a weight of Hugging Face's name.
    public String nameInFile(String weight) {
        return architecture.ggufName(weight).orElse(weight);
    }

    /// A weight, unpacked and with its rows in Hugging Face's order; a read-only view of the mapped file where
    /// nothing has to change.
    ///
    /// @param dtype F32, F16 or BF16; weights that are stored as one of these come as they are stored
    public Tensor tensor(String weight, DType dtype) {
        Weight of = weight(weight);
        return file.tensor(of.stored().name(), of.stored().type().plain().orElse(dtype), of.order());
    }

    /// How a weight is rounded, where it is a matrix in blocks that computation takes as they are.
    public Optional<Quantization> method(String weight) {
        GgufTensor stored = weight(weight).stored();
        if (stored.shape().length != 2) {
            return Optional.empty();
        }
        return switch (stored.type()) {
            case Q8_0 -> Optional.of(Quantization.INT8);
            case Q4_0 -> Optional.of(Quantization.INT4);
            case Q4_1 -> Optional.of(Quantization.INT4_ASYMMETRIC);
            default -> Optional.empty();
        };
    }

    /// The blocks of a weight, its rows in Hugging Face's order, u8 [rows × bytes of a row].
    public Tensor blocks(String weight) {
        Weight of = weight(weight);
        return file.blocks(of.stored().name(), of.order());
    }

    /// The shape of a weight.
    public long[] shape(String weight) {
        return weight(weight).stored().shape().clone();
    }

    private Weight weight(String name) {
        Weight weight = weights.get(name);
        if (weight == null) {
            throw new GgufException("%s has no tensor \"%s\".".formatted(path(), nameInFile(name)));
        }
        return weight;
    }

    /// The type in which the weights are held unless another is asked for: that of the matrices where they are
    /// plain, else BF16.
    public DType usualType() {
        Set<GgufType> types = new LinkedHashSet<>();
        for (Weight weight : weights.values()) {
            if (weight.stored().shape().length > 1) {
                types.add(weight.stored().type());
            }
        }
        return types.size() == 1 ? types.iterator().next().plain().orElse(DType.BF16) : DType.BF16;
    }

    /// What unpacking costs, in one line: `94 MiB on disk (Q4_1 60 MiB, …), 257 MiB in memory as bfloat16`.
    ///
    /// @param keep whether what [#method] knows stays as it is
    public String cost(DType dtype, boolean keep) {
        Map<GgufType, Long> byType = new EnumMap<>(GgufType.class);
        long held = 0;
        long kept = 0;
        for (Map.Entry<String, Weight> weight : weights.entrySet()) {
            GgufTensor stored = weight.getValue().stored();
            byType.merge(stored.type(), stored.byteCount(), Long::sum);
            boolean stays = keep && method(weight.getKey()).isPresent();
            kept += stays ? stored.byteCount() : 0;
            held += stays ? stored.byteCount() : stored.count() * dtype.byteSize();
        }
        String types = byType.entrySet().stream()
                .sorted(Map.Entry.<GgufType, Long>comparingByValue().reversed())
                .map(entry -> entry.getKey() + " " + mebibytes(entry.getValue()))
                .collect(Collectors.joining(", "));
        long stored = byType.values().stream().mapToLong(v -> v).sum();
        String how = kept == 0
                ? " as " + dtype.torchName()
                : kept == held
                        ? " as stored"
                        : ", " + mebibytes(kept) + " of them as stored, the rest as " + dtype.torchName();
        return "%s on disk (%s), %s in memory%s".formatted(mebibytes(stored), types, mebibytes(held), how);
    }

    private static String mebibytes(long bytes) {
        double mebibytes = bytes / (double) (1 << 20);
        return String.format(Locale.ROOT, mebibytes < 10 ? "%.1f MiB" : "%.0f MiB", mebibytes);
    }
}
