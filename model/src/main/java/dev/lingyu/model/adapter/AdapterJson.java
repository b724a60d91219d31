package dev.lingyu.model.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// An `adapter_config.json` whose fields are read by name and type; it notes which were read, so that what
/// nobody understands is not passed over.
final class AdapterJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Fields that say where an adapter comes from, how it began or how it was stored, not what it computes.
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "auto_mapping",
            "revision",
            "peft_version",
            "peft_type",
            "task_type",
            "inference_mode",
            "base_model_name_or_path",
            "megatron_core",
            "megatron_config",
            "qalora_group_size",
            "runtime_config",
            "eva_config",
            "loftq_config",
            "init_ia3_weights",
            "fan_in_fan_out");

    private final Path file;
    private final ObjectNode root;
    private final Set<String> known = new HashSet<>(WITHOUT_EFFECT);

    private AdapterJson(Path file, ObjectNode root) {
        this.file = file;
        this.root = root;
    }

    static AdapterJson read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new AdapterException(
                    file.getParent() + " is not a PEFT adapter: it has no " + AdapterConfig.FILE + ".");
        }
        try {
            if (JSON.readTree(Files.readAllBytes(file)) instanceof ObjectNode object) {
                return new AdapterJson(file, object);
            }
        } catch (JsonProcessingException e) {
            throw new AdapterException(file + " is not valid JSON: " + e.getOriginalMessage() + ".", e);
        } catch (IOException e) {
            throw new AdapterException(file + " can't be read: " + e.getMessage() + ".", e);
        }
        throw new AdapterException(file + " is not a JSON object.");
    }

    private Optional<JsonNode> find(String field) {
        known.add(field);
        JsonNode node = root.path(field);
        return node.isMissingNode() || node.isNull() ? Optional.empty() : Optional.of(node);
    }

    Optional<String> text(String field) {
        return find(field).map(node -> {
            if (!node.isTextual()) {
                throw wrong(field, "a string");
            }
            return node.textValue();
        });
    }

    /// A text or flag as a word, empty where absent.
    String word(String field) {
        return find(field).map(JsonNode::asText).orElse("");
    }

    boolean flag(String field) {
        return find(field)
                .map(node -> {
                    if (!node.isBoolean()) {
                        throw wrong(field, "true or false");
                    }
                    return node.booleanValue();
                })
                .orElse(false);
    }

    double number(String field, double otherwise) {
        return find(field)
                .map(node -> {
                    if (!node.isNumber() || !(node.doubleValue() >= 0)) {
                        throw wrong(field, "a number from 0");
                    }
                    return node.doubleValue();
                })
                .orElse(otherwise);
    }

    int positive(String field, int otherwise) {
        return find(field)
                .map(node -> {
                    if (!node.isInt() || node.intValue() < 1) {
                        throw wrong(field, "a whole number ≥ 1");
                    }
                    return node.intValue();
                })
                .orElse(otherwise);
    }

    /// A list of texts, or one text; empty where absent.
    List<String> texts(String field) {
        List<String> texts = new ArrayList<>();
        find(field).ifPresent(node -> {
            for (JsonNode text : node.isArray() ? node : List.of(node)) {
                if (!text.isTextual()) {
                    throw wrong(field, "a list of names");
                }
                texts.add(text.textValue());
            }
        });
        return texts;
    }

    /// Block numbers: one or a list.
    List<Integer> numbers(String field) {
        List<Integer> numbers = new ArrayList<>();
        find(field).ifPresent(node -> {
            for (JsonNode number : node.isArray() ? node : List.of(node)) {
                if (!number.isInt() || number.intValue() < 0) {
                    throw wrong(field, "block numbers from 0");
                }
                numbers.add(number.intValue());
            }
        });
        return numbers;
    }

    /// Positive numbers by pattern, in order.
    Map<String, Double> patterns(String field) {
        Map<String, Double> patterns = new LinkedHashMap<>();
        find(field).ifPresent(node -> {
            if (!node.isObject()) {
                throw wrong(field, "an object {\"module\": number}");
            }
            node.properties().forEach(entry -> {
                if (!entry.getValue().isNumber() || !(entry.getValue().doubleValue() > 0)) {
                    throw wrong(field, "positive numbers by module");
                }
                patterns.put(entry.getKey(), entry.getValue().doubleValue());
            });
        });
        return patterns;
    }

    /// `target_modules`: a list of names, `all-linear`, or a regular expression.
    TargetModules targets() {
        TargetModules.Selection selection = selection("target_modules")
                .orElseThrow(() -> wrong("target_modules", "the names of the adapted modules"));
        return new TargetModules(
                selection, selection("exclude_modules"), numbers("layers_to_transform"), texts("layers_pattern"));
    }

    /// Names, a regular expression, or `all-linear`; empty where absent.
    Optional<TargetModules.Selection> selection(String field) {
        Optional<JsonNode> node = find(field);
        if (node.isEmpty() || node.get().isArray() && node.get().isEmpty()) {
            return Optional.empty();
        }
        if (!node.get().isTextual()) {
            return Optional.of(new TargetModules.Names(texts(field)));
        }
        String text = node.get().textValue();
        return Optional.of(
                text.equalsIgnoreCase("all-linear") ? new TargetModules.AllLinear() : new TargetModules.Regex(text));
    }

    AdapterException wrong(String field, String expected) {
        JsonNode found = root.path(field);
        return new AdapterException(file + ", field \"" + field + "\": expected " + expected + ", found "
                + (found.isMissingNode() ? "nothing" : found.toString()) + ".");
    }

    /// Refuses a setting that is not built.
    AdapterException notBuilt(String field) {
        return new AdapterException(file + ": \"" + field + "\": " + root.path(field)
                + " changes what the adapter computes and is not built here; merge the adapter into its base with PEFT, "
                + "and use the merged model.");
    }

    /// Refuses fields that no read asked for and that are switched on.
    void refuseTheRest() {
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            JsonNode value = field.getValue();
            boolean off = value.isNull()
                    || value.isBoolean() && !value.booleanValue()
                    || value.isContainerNode() && value.isEmpty();
            if (!off && !known.contains(field.getKey())) {
                throw notBuilt(field.getKey());
            }
        }
    }

    static ObjectNode object() {
        return JSON.createObjectNode();
    }

    /// Fields that all kinds share, as PEFT writes them.
    static ObjectNode common(AdapterConfig config, List<String> adapted, boolean fanInFanOut) {
        ObjectNode json = object();
        json.put("peft_type", config.peftType());
        json.put("task_type", AdapterConfig.Task.CAUSAL_LM.name());
        json.putNull("auto_mapping");
        json.put("base_model_name_or_path", config.base().orElse(null));
        json.putNull("revision");
        json.put("inference_mode", true);
        json.put("fan_in_fan_out", fanInFanOut);
        putSelection(json, "target_modules", config.targets().selection(), adapted);
        json.putNull("exclude_modules");
        config.targets().exclude().ifPresent(e -> putSelection(json, "exclude_modules", e, adapted));
        putTexts(json, "modules_to_save", config.modulesToSave());
        return json;
    }

    static void putSelection(ObjectNode json, String field, TargetModules.Selection selection, List<String> adapted) {
        switch (selection) {
            case TargetModules.Names(List<String> names) -> putTexts(json, field, names);
            case TargetModules.Regex(String regex) -> json.put(field, regex);
            // As a list of the last parts of the names, which every reader of such files understands.
            case TargetModules.AllLinear all ->
                putTexts(
                        json,
                        field,
                        adapted.stream()
                                .map(name -> name.substring(name.lastIndexOf('.') + 1))
                                .distinct()
                                .sorted()
                                .toList());
        }
    }

    static void putTexts(ObjectNode json, String field, List<String> texts) {
        if (texts.isEmpty()) {
            json.putNull(field);
        } else {
            texts.forEach(json.putArray(field)::add);
        }
    }
}
