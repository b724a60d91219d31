package dev.lingyu.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// The shapes that figures are quoted for, by name; weights are random.
final class Shapes {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Shapes() {}

    private static final Map<String, String> BY_NAME = new LinkedHashMap<>();

    static {
        BY_NAME.put("bloom-560m", bloom(1024, 24, 16));
        BY_NAME.put("bloom-1b1", bloom(1536, 24, 16));
        BY_NAME.put("bloom-3b", bloom(2560, 30, 32));
        BY_NAME.put("bloom-7b1", bloom(4096, 30, 32));
        BY_NAME.put("llama-1b", llama(2048, 5632, 22, 32, 4));
        BY_NAME.put("llama-7b", llama(4096, 11008, 32, 32, 32));
        BY_NAME.put(
                "quickstart",
                "{\"model_type\": \"bloom\", \"vocab_size\": 2048, \"hidden_size\": 256, \"n_layer\": 4, \"n_head\": 4}");
    }

    private static String bloom(int hidden, int layers, int heads) {
        return "{\"model_type\": \"bloom\", \"vocab_size\": 250880, \"hidden_size\": %d, \"n_layer\": %d, \"n_head\": %d}"
                .formatted(hidden, layers, heads);
    }

    private static String llama(int hidden, int inner, int layers, int heads, int keyHeads) {
        return ("{\"model_type\": \"llama\", \"vocab_size\": 32000, \"hidden_size\": %d, \"intermediate_size\": %d, "
                        + "\"num_hidden_layers\": %d, \"num_attention_heads\": %d, \"num_key_value_heads\": %d, "
                        + "\"tie_word_embeddings\": false, \"max_position_embeddings\": 2048, \"rms_norm_eps\": 1e-6, "
                        + "\"rope_theta\": 10000.0, \"hidden_act\": \"silu\"}")
                .formatted(hidden, inner, layers, heads, keyHeads);
    }

    /// A shape by name, or the config.json in a file or directory.
    ///
    /// @param layers 0, or how many layers to keep of it
    /// @throws BenchException for an unknown name
    static ModelConfig of(String shape, int layers) {
        try {
            String known = BY_NAME.get(shape);
            Path path = Path.of(shape);
            String json;
            if (known != null) {
                json = known;
            } else if (Files.isRegularFile(path)) {
                json = Files.readString(path);
            } else if (Files.isRegularFile(path.resolve("config.json"))) {
                json = Files.readString(path.resolve("config.json"));
            } else {
                throw new BenchException("--shape is '" + shape + "'; expected one of "
                        + String.join(", ", BY_NAME.keySet()) + ", or a config.json.");
            }
            ObjectNode fields = (ObjectNode) JSON.readTree(json);
            if (layers > 0) {
                fields.put(fields.has("n_layer") ? "n_layer" : "num_hidden_layers", layers);
            }
            return ModelConfig.of(fields, shape);
        } catch (IOException e) {
            throw new BenchException(shape + " can't be read as a config.json: " + e.getMessage() + ".");
        }
    }
}
