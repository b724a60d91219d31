package dev.lingyu.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A BERT or RoBERTa encoder, as its `config.json` describes it.
///
/// @param modelType        `bert`, `roberta` or `xlm-roberta`
/// @param vocabularySize   rows of the embedding [tokens]
/// @param hiddenSize       features of a token between layers
/// @param layers           layers
/// @param heads            attention heads
/// @param intermediateSize features inside the feed-forward layer
/// @param maxPositions     rows of the position embedding; RoBERTa leaves the first `positionOffset` unused
/// @param positionOffset   the row of the first token: 0, or RoBERTa's padding id + 1
/// @param tokenTypes       rows of the token type embedding
/// @param activation       the feed-forward non-linearity
/// @param normEpsilon      ε inside the root of LayerNorm
/// @param source           the document as read, written back unchanged
public record EncoderConfig(
        String modelType,
        int vocabularySize,
        int hiddenSize,
        int layers,
        int heads,
        int intermediateSize,
        int maxPositions,
        int positionOffset,
        int tokenTypes,
        Activation activation,
        double normEpsilon,
        ObjectNode source) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public EncoderConfig {
        if (hiddenSize % heads != 0) {
            throw new ModelException(
                    "config.json: hidden_size " + hiddenSize + " is no multiple of " + heads + " attention heads.");
        }
    }

    /// How people call the family, for tables and messages.
    public String title() {
        return switch (modelType) {
            case "roberta" -> "RoBERTa";
            case "xlm-roberta" -> "XLM-RoBERTa";
            default -> "BERT";
        };
    }

    /// The most tokens of a text, special tokens included.
    public int maxTokens() {
        return maxPositions - positionOffset;
    }

    /// Reads `config.json`.
    ///
    /// @throws ModelException when it is missing, is not JSON, describes no encoder or has an unusable field
    public static EncoderConfig read(Path directory) {
        Path file = directory.resolve("config.json");
        if (!Files.isRegularFile(file)) {
            throw new ModelException(directory + " is not a model directory: it has no config.json.");
        }
        try {
            if (JSON.readTree(Files.readAllBytes(file)) instanceof ObjectNode object) {
                return read(new ConfigJson(file, object), object);
            }
            throw new ModelException(file + " is not a JSON object.");
        } catch (JsonProcessingException e) {
            throw new ModelException(file + " is not valid JSON: " + e.getOriginalMessage() + ".", e);
        } catch (IOException e) {
            throw new ModelException(file + " can't be read: " + e.getMessage() + ".", e);
        }
    }

    private static EncoderConfig read(ConfigJson json, ObjectNode source) {
        String modelType = json.textOr("", "model_type");
        boolean roberta = modelType.equals("roberta") || modelType.equals("xlm-roberta");
        if (!roberta && !modelType.equals("bert")) {
            throw json.wrong("model_type", "bert, roberta or xlm-roberta for an encoder", source.path("model_type"));
        }
        if (!json.textOr("absolute", "position_embedding_type").equals("absolute")) {
            throw json.wrong("position_embedding_type", "\"absolute\"", source.path("position_embedding_type"));
        }
        int padding = json.tokenIds("pad_token_id").stream().findFirst().orElse(roberta ? 1 : 0);
        return new EncoderConfig(
                modelType,
                json.positive("vocab_size"),
                json.positive("hidden_size"),
                json.positive("num_hidden_layers"),
                json.positive("num_attention_heads"),
                json.positive("intermediate_size"),
                json.positiveOr(512, "max_position_embeddings"),
                roberta ? padding + 1 : 0,
                json.positiveOr(2, "type_vocab_size"),
                Activation.parse(json.textOr("gelu", "hidden_act")),
                json.numberOr(1e-12, "layer_norm_eps"),
                source);
    }

    /// Whether a family's `model_type` names an encoder rather than a decoder.
    public static boolean isEncoder(String modelType) {
        return modelType.equals("bert") || modelType.equals("roberta") || modelType.equals("xlm-roberta");
    }
}
