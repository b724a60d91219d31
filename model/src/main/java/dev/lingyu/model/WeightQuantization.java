package dev.lingyu.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.kernel.Quantization;
import dev.lingyu.tensor.kernel.QuantizedMatrix;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Which of a model's matrices are held in 8 or 4 bits, and how `config.json` says so.
///
/// Quantised are the matrices of all blocks; norms and biases never.
///
/// @param method     how they are rounded
/// @param head       whether the head is quantised too; a tied one with the embedding
/// @param embeddings whether the token embedding is
public record WeightQuantization(Quantization method, boolean head, boolean embeddings) {
    private static final String FIELD = "quantization_config";
    private static final String OURS = "lingyu";

    /// All matrices but an embedding that is only looked up.
    public static WeightQuantization of(Quantization method) {
        return new WeightQuantization(method, true, false);
    }

    /// The matrices of the blocks alone, as a base that adapters are trained on.
    public static WeightQuantization ofBlocks(Quantization method) {
        return new WeightQuantization(method, false, false);
    }

    /// The names that [Quantization#of] knows, for messages.
    public static String methods() {
        return Arrays.stream(Quantization.values()).map(Quantization::label).collect(Collectors.joining(", "));
    }

    /// Whether a matrix is to be quantised.
    ///
    /// @param name  as files call it
    /// @param parts how the family calls each part
    /// @param tied  whether the token embedding is the head too
    boolean takes(String name, Map<Part, String> parts, boolean tied, long[] shape) {
        if (!QuantizedMatrix.fits(shape) || isPart(name, parts, Part.POSITION_EMBEDDING)) {
            return false;
        }
        if (isPart(name, parts, Part.TOKEN_EMBEDDING)) {
            return embeddings || tied && head;
        }
        return head || !isPart(name, parts, Part.HEAD);
    }

    private static boolean isPart(String name, Map<Part, String> parts, Part part) {
        return name.equals(parts.get(part) + ".weight");
    }

    /// What a `config.json` says of its weights.
    ///
    /// @throws ModelException when they are quantised in a way that is not known here
    static Optional<Quantization> read(ObjectNode config) {
        JsonNode field = config.path(FIELD);
        if (!field.isObject()) {
            return Optional.empty();
        }
        String by = field.path("quant_method").asText();
        Quantization method = Quantization.of(field.path("method").asText());
        if (!by.equals(OURS) || method == null) {
            throw new ModelException("config.json: the weights are quantised (quantization_config, quant_method \"" + by
                    + "\"" + (by.equals(OURS) ? ", method " + field.path("method") : "")
                    + "), which is not supported; take the model's plain weights and quantise them with lingyu quantize, "
                    + "or a GGUF file.");
        }
        return Optional.of(method);
    }

    /// Writes or takes away what says that weights are quantised.
    static void write(ObjectNode config, Optional<Quantization> method) {
        config.remove(FIELD);
        method.ifPresent(m -> config.putObject(FIELD)
                .put("quant_method", OURS)
                .put("method", m.label())
                .put("bits", m.bits())
                .put("group_size", QuantizedMatrix.GROUP)
                .put("symmetric", !m.asymmetric()));
    }
}
