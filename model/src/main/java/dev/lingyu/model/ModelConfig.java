package dev.lingyu.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.TensorException;
import dev.lingyu.tensor.kernel.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// A model's `config.json`: its family, its decoder, and its special tokens.
///
/// @param family  which family's names and fields apply
/// @param decoder what the decoder looks like
/// @param tokens  the special tokens as `config.json` gives them
/// @param dtype   the type in which the weights were saved
/// @param source  the document as read, whose other fields are written back unchanged
public record ModelConfig(Family family, DecoderConfig decoder, SpecialTokens tokens, DType dtype, ObjectNode source) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MODEL_SCOPE = "configuration.json";
    private static final String MODEL_TYPE = "model_type";
    private static final String CLASSIFIER = "ForSequenceClassification";

    /// Special tokens by id.
    ///
    /// @param bos begins a text
    /// @param eos any of these ends an answer
    /// @param pad fills rows where other programs need them equally long
    public record SpecialTokens(OptionalInt bos, List<Integer> eos, OptionalInt pad) {}

    /// Reads `config.json`.
    ///
    /// @throws ModelException when it is missing, is not JSON, has an unknown `model_type` or an unusable field
    public static ModelConfig read(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new ModelException("There is no model directory " + directory + ".");
        }
        Path file = directory.resolve("config.json");
        Path modelScope = directory.resolve(MODEL_SCOPE);
        // What ModelScope says of the model, with "type" for "model_type".
        ObjectNode model = Files.isRegularFile(modelScope) && parse(modelScope).get("model") instanceof ObjectNode said
                ? said
                : JSON.createObjectNode();
        if (Files.isRegularFile(file)) {
            ObjectNode object = parse(file);
            if (!object.has(MODEL_TYPE) && model.has("type")) {
                object.set(MODEL_TYPE, model.path("type"));
            }
            return read(file, object);
        }
        if (!model.isEmpty()) {
            model.set(MODEL_TYPE, model.path("type"));
            return read(modelScope, model);
        }
        throw new ModelException(directory + " is not a model directory: it has no config.json.");
    }

    /// Whether a directory describes a model, as Hugging Face does it or as ModelScope does.
    public static boolean isPresent(Path directory) {
        return Files.isRegularFile(directory.resolve("config.json"))
                || Files.isRegularFile(directory.resolve(MODEL_SCOPE));
    }

    private static ObjectNode parse(Path file) {
        JsonNode root;
        try {
            root = JSON.readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            throw new ModelException(
                    file + " is not valid JSON: " + e.getOriginalMessage() + " (line "
                            + e.getLocation().getLineNr() + ").",
                    e);
        } catch (IOException e) {
            throw new ModelException(file + " can't be read: " + e.getMessage() + ".", e);
        }
        if (!(root instanceof ObjectNode object)) {
            throw new ModelException(file + " is not a JSON object.");
        }
        return object;
    }

    private static ModelConfig read(Path file, ObjectNode object) {
        ConfigJson json = new ConfigJson(file, object);
        String modelType = json.textOr("", MODEL_TYPE);
        if (modelType.isEmpty()) {
            throw new ModelException(
                    file + ": the field \"model_type\" is missing; it says which architecture this is.");
        }
        Family family = Families.of(modelType, json);
        WeightQuantization.read(object);
        return new ModelConfig(family, family.read(json), tokens(family, json), dtype(json), object);
    }

    /// A config for a model made here, from the fields of a `config.json` that matter; the others get defaults.
    ///
    /// @param fields `model_type` and its shape
    /// @param name   what to call the fields in errors
    public static ModelConfig of(ObjectNode fields, String name) {
        ModelConfig config = read(Path.of(name), fields);
        ObjectNode full = JSON.createObjectNode();
        config.family.write(config.decoder, full);
        full.setAll(fields);
        return new ModelConfig(config.family, config.decoder, config.tokens, config.dtype, full);
    }

    /// A config for a model made here.
    public static ModelConfig of(String modelType, DecoderConfig decoder, SpecialTokens tokens) {
        return new ModelConfig(Families.of(modelType), decoder, tokens, DType.F32, JSON.createObjectNode());
    }

    /// How many weights such a model has; a tied head counts once, with the embedding.
    public long parameterCount() {
        return WeightLayout.shapes(decoder, family.names()).values().stream()
                .mapToLong(shape -> Arrays.stream(shape).reduce(1, Math::multiplyExact))
                .sum();
    }

    private static SpecialTokens tokens(Family family, ConfigJson json) {
        List<Integer> ends = json.tokenIds("eos_token_id", "eod_id");
        return new SpecialTokens(
                first(json.tokenIds("bos_token_id")),
                ends.isEmpty() ? family.usualEndTokens() : ends,
                first(json.tokenIds("pad_token_id")));
    }

    private static OptionalInt first(List<Integer> ids) {
        return ids.isEmpty() ? OptionalInt.empty() : OptionalInt.of(ids.getFirst());
    }

    private static DType dtype(ConfigJson json) {
        // Megatron's configs have a flag for each of the short types.
        String flagged = json.flagOr(false, "bf16") ? "bfloat16" : json.flagOr(false, "fp16") ? "float16" : "float32";
        String name = json.textOr(flagged, "dtype", "torch_dtype");
        try {
            return DType.parse(name);
        } catch (TensorException e) {
            throw json.wrong("dtype", "float32, bfloat16 or float16", TextNode.valueOf(name));
        }
    }

    /// How the directory's matrices are quantised, where they are.
    public Optional<Quantization> quantization() {
        return WeightQuantization.read(source);
    }

    /// The document to save for weights of some type: the fields as read, with what this program knows put
    /// right.
    public ObjectNode toJson(DType savedAs) {
        ObjectNode json = source.deepCopy();
        json.put(MODEL_TYPE, family.modelType());
        json.putArray("architectures").add(family.architecture());
        json.put(family.vocabularySizeField(), decoder.vocabularySize());
        json.put("tie_word_embeddings", decoder.tiedHead());
        // Both spellings: transformers 4 reads the first, transformers 5 the second.
        json.put("torch_dtype", savedAs.torchName());
        json.put("dtype", savedAs.torchName());
        WeightQuantization.write(json, Optional.empty());
        if (source.isEmpty()) {
            family.write(decoder, json);
            json.put("use_cache", true);
            tokens.bos().ifPresent(id -> json.put("bos_token_id", id));
            tokens.pad().ifPresent(id -> json.put("pad_token_id", id));
            if (tokens.eos().size() == 1) {
                json.put("eos_token_id", tokens.eos().getFirst());
            } else if (!tokens.eos().isEmpty()) {
                tokens.eos().forEach(json.putArray("eos_token_id")::add);
            }
        }
        return json;
    }

    /// The fields that the family reads, each in its first spelling, whatever the document as read calls them.
    ObjectNode toPlainJson() {
        ObjectNode json = JSON.createObjectNode().put(MODEL_TYPE, family.modelType());
        family.write(decoder, json);
        return json.put("vocab_size", decoder.vocabularySize()).put("tie_word_embeddings", decoder.tiedHead());
    }

    /// Whether `architectures` names a model whose head scores texts instead of predicting tokens.
    public boolean isClassifier() {
        return source.path("architectures")
                .valueStream()
                .anyMatch(name -> name.asText().endsWith(CLASSIFIER));
    }

    /// The document to save for a decoder with a head of so many scores, as `…ForSequenceClassification`.
    ObjectNode toClassifierJson(DType savedAs, int labels, OptionalInt pad) {
        ObjectNode json = toJson(savedAs);
        String name = family.architecture().replaceAll("(ForCausalLM|LMHeadModel|ForConditionalGeneration)$", "");
        json.putArray("architectures").add(name + CLASSIFIER);
        ObjectNode idToLabel = json.putObject("id2label");
        ObjectNode labelToId = json.putObject("label2id");
        for (int i = 0; i < labels; i++) {
            idToLabel.put("" + i, "LABEL_" + i);
            labelToId.put("LABEL_" + i, i);
        }
        pad.ifPresent(id -> json.put("pad_token_id", id));
        return json;
    }

    /// The same model with another decoder shape, such as a larger vocabulary.
    public ModelConfig withDecoder(DecoderConfig other) {
        return new ModelConfig(family, other, tokens, dtype, source);
    }
}
