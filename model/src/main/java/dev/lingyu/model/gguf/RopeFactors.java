package dev.lingyu.model.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.gguf.GgufFile;
import dev.lingyu.tensor.gguf.GgufMetadata;
import java.util.Optional;

/// How rotary frequencies are scaled, as GGUF files say it: a factor in the metadata, or, for Llama 3's rule,
/// the factor of each frequency in the tensor `rope_freqs.weight`.
final class RopeFactors {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double TOLERANCE = 1e-4;

    // What every published Llama 3 uses.
    private static final double LOW = 1;
    private static final double HIGH = 4;

    private RopeFactors() {}

    /// The `rope_scaling` of `config.json`; empty where frequencies are as trained.
    ///
    /// @throws GgufException when the rule is none that this program knows
    static Optional<ObjectNode> read(GgufFile file, GgufMetadata metadata, String prefix, int headSize, double theta) {
        String type = metadata.text(prefix + ".rope.scaling.type").orElse("none");
        if (file.tensors().containsKey(Architecture.ROPE_FACTORS)) {
            return Optional.of(llama3(file, headSize, theta));
        }
        // Files of 2023 have the factor alone.
        double older = metadata.number(prefix + ".rope.scale_linear").orElse(1);
        return switch (type) {
            case "none" -> older == 1 ? Optional.empty() : linear(older);
            case "linear" ->
                linear(metadata.number(prefix + ".rope.scaling.factor").orElse(older));
            default ->
                throw new GgufException(
                        "%s scales its rotary positions by the rule \"%s\" (metadata %s.rope.scaling.type); supported are none, linear and Llama 3's."
                                .formatted(file.path(), type, prefix));
        };
    }

    private static Optional<ObjectNode> linear(double factor) {
        return Optional.of(JSON.createObjectNode().put("rope_type", "linear").put("factor", decimal(factor)));
    }

    /// Finds the settings whose factors those of the file are: the largest is the rule's factor, and the
    /// original length shows in where the change begins.
    private static ObjectNode llama3(GgufFile file, int headSize, double theta) {
        double[] found;
        try (Tensor tensor = file.tensor(Architecture.ROPE_FACTORS, DType.F32)) {
            float[] values = tensor.toFloats();
            found = new double[values.length];
            for (int i = 0; i < found.length; i++) {
                found[i] = values[i];
            }
        }
        double factor = 1;
        for (double value : found) {
            factor = Math.max(factor, value);
        }
        for (int length = 16; length <= 1 << 20 && found.length == headSize / 2; length *= 2) {
            Llama3 rule = new Llama3(decimal(factor), LOW, HIGH, length);
            if (fits(found, rule.factors(headSize, theta))) {
                return rule.toJson();
            }
        }
        throw new GgufException(
                "%s: the factors in %s follow no rule that this program knows (Llama 3's, with low_freq_factor 1 and high_freq_factor 4, over a trained length that is a power of two)."
                        .formatted(file.path(), Architecture.ROPE_FACTORS));
    }

    private static boolean fits(double[] found, double[] expected) {
        for (int i = 0; i < found.length; i++) {
            if (!(Math.abs(found[i] - expected[i]) <= TOLERANCE * expected[i])) {
                return false;
            }
        }
        return true;
    }

    /// A float as its shortest decimal.
    static double decimal(double value) {
        return Double.parseDouble(Float.toString((float) value));
    }

    /// Llama 3.1's rule (`rope_type: llama3`): by what each frequency is divided.
    record Llama3(double factor, double low, double high, int originalLength) {
        /// The settings of a `rope_scaling` or `rope_parameters` object; empty where it is of another type.
        static Optional<Llama3> of(JsonNode scaling) {
            String type = scaling.path("rope_type").asText(scaling.path("type").asText());
            return type.equals("llama3")
                    ? Optional.of(new Llama3(
                            scaling.path("factor").asDouble(8),
                            scaling.path("low_freq_factor").asDouble(LOW),
                            scaling.path("high_freq_factor").asDouble(HIGH),
                            scaling.path("original_max_position_embeddings").asInt(8192)))
                    : Optional.empty();
        }

        ObjectNode toJson() {
            return JSON.createObjectNode()
                    .put("rope_type", "llama3")
                    .put("factor", factor)
                    .put("low_freq_factor", low)
                    .put("high_freq_factor", high)
                    .put("original_max_position_embeddings", originalLength);
        }

        double[] factors(int headSize, double theta) {
            double[] factors = new double[headSize / 2];
            for (int i = 0; i < factors.length; i++) {
                double wavelength = 2 * Math.PI * Math.pow(theta, 2.0 * i / headSize);
                if (wavelength < originalLength / high) {
                    factors[i] = 1;
                } else if (wavelength > originalLength / low) {
                    factors[i] = factor;
                } else {
                    double smooth = (originalLength / wavelength - low) / (high - low);
                    factors[i] = 1 / ((1 - smooth) / factor + smooth);
                }
            }
            return factors;
        }
    }
}
