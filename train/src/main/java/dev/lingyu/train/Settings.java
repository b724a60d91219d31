package dev.lingyu.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.lingyu.dataset.DatasetException;
import dev.lingyu.model.ModelException;
import dev.lingyu.tensor.TensorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/// The fields of a run's YAML file with the overrides of the command line, read by name and type.
///
/// Every read notes the name; [#finish] then refuses what nobody asked for, with the nearest known name.
final class Settings {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    /// LLaMA-Factory's fields that change nothing here: accepted, and said.
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "preprocessing_num_workers",
            "dataloader_num_workers",
            "overwrite_cache",
            "trust_remote_code",
            "report_to",
            "ddp_timeout",
            "plot_loss",
            "use_fast_tokenizer",
            "flash_attn",
            "low_cpu_mem_usage",
            "use_cpu",
            "do_train",
            "do_eval",
            "deepspeed",
            "save_only_model",
            "save_safetensors",
            "logging_dir",
            "run_name",
            "disable_gradient_checkpointing",
            "upcast_layernorm",
            "enable_liger_kernel",
            "use_unsloth",
            "hub_model_id",
            "push_to_hub",
            "include_num_input_tokens_seen",
            "remove_unused_columns",
            "cache_dir",
            "buffer_size",
            "preprocessing_batch_size",
            "ignore_pad_token_for_loss",
            "print_param_status");

    private final String source;
    private final ObjectNode fields;
    private final Set<String> known = new LinkedHashSet<>();
    private final List<String> notices = new ArrayList<>();

    private Settings(String source, ObjectNode fields) {
        this.source = source;
        this.fields = fields;
    }

    /// Reads a YAML file and applies `key=value` overrides, whose values are YAML too.
    static Settings read(Path file, List<String> overrides) {
        if (!Files.isRegularFile(file)) {
            throw TrainException.input("There is no config file " + file + ".");
        }
        ObjectNode fields;
        try {
            JsonNode root = YAML.readTree(Files.readAllBytes(file));
            if (root == null || root.isMissingNode() || root.isNull()) {
                fields = YAML.createObjectNode();
            } else if (root instanceof ObjectNode object) {
                fields = object;
            } else {
                throw TrainException.input(file + " is not a list of fields (key: value).");
            }
        } catch (JsonProcessingException e) {
            throw TrainException.input(file + ", line "
                    + (e.getLocation() == null ? "?" : e.getLocation().getLineNr()) + ": not valid YAML: "
                    + String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("") + ".");
        } catch (IOException e) {
            throw TrainException.input(file + " can't be read: " + e.getMessage() + ".");
        }
        return of(file.toString(), fields, overrides);
    }

    static Settings of(String source, ObjectNode fields, List<String> overrides) {
        ObjectNode all = fields.deepCopy();
        for (String override : overrides) {
            int equals = override.indexOf('=');
            if (equals < 1) {
                throw TrainException.input("\"" + override + "\" is no override: expected key=value.");
            }
            try {
                JsonNode value = YAML.readTree(override.substring(equals + 1));
                all.set(
                        override.substring(0, equals).replaceFirst("^--", ""),
                        value == null || value.isMissingNode() ? YAML.nullNode() : value);
            } catch (JsonProcessingException e) {
                throw TrainException.input("The value of \"" + override + "\" is not valid YAML.");
            }
        }
        return new Settings(source, all);
    }

    ObjectNode fields() {
        return fields;
    }

    private Optional<JsonNode> find(String name) {
        known.add(name);
        JsonNode node = fields.path(name);
        return node.isMissingNode() || node.isNull() ? Optional.empty() : Optional.of(node);
    }

    Optional<String> text(String name) {
        return find(name).map(node -> {
            if (!node.isValueNode()) {
                throw wrong(name, "a text", node);
            }
            return node.asText();
        });
    }

    String text(String name, String otherwise) {
        return text(name).orElse(otherwise);
    }

    /// A text that another module reads; what it complains about is told with the file and the field.
    <T> T parsed(String name, String otherwise, Function<String, T> read) {
        String text = text(name, otherwise);
        try {
            return read.apply(text);
        } catch (ModelException | TensorException | DatasetException e) {
            throw TrainException.input(source + ", field \"" + name + "\": " + e.getMessage());
        }
    }

    /// One of several words.
    <T> T choice(String name, String otherwise, Map<String, T> choices) {
        String word = text(name, otherwise);
        T chosen = choices.get(word);
        if (chosen == null) {
            throw wrong(
                    name, String.join(", ", choices.keySet().stream().sorted().toList()), fields.path(name));
        }
        return chosen;
    }

    /// A list, or one text with commas.
    List<String> texts(String name) {
        Optional<JsonNode> node = find(name);
        if (node.isEmpty()) {
            return List.of();
        }
        List<String> texts = new ArrayList<>();
        if (node.get().isArray()) {
            node.get().forEach(n -> texts.add(n.asText()));
        } else {
            for (String part : node.get().asText().split(",")) {
                if (!part.isBlank()) {
                    texts.add(part.strip());
                }
            }
        }
        return texts;
    }

    /// YAML 1.2 reads `1.0e-5` as a number but `1e-5` as a text: both are numbers here.
    private double parse(String name, JsonNode node, String expected) {
        if (node.isNumber()) {
            return node.doubleValue();
        }
        try {
            return Double.parseDouble(node.asText());
        } catch (NumberFormatException e) {
            throw wrong(name, expected, node);
        }
    }

    double number(String name, double otherwise, double minimum, double maximum) {
        Optional<JsonNode> node = find(name);
        if (node.isEmpty()) {
            return otherwise;
        }
        String expected = "a number from " + minimum + " to " + maximum;
        double value = parse(name, node.get(), expected);
        if (!(value >= minimum && value <= maximum)) {
            throw wrong(name, expected, node.get());
        }
        return value;
    }

    /// A list of numbers, or one text with commas.
    List<Double> numbers(String name) {
        return texts(name).stream()
                .map(text -> parse(name, YAML.getNodeFactory().textNode(text), "numbers separated by commas"))
                .toList();
    }

    Optional<Integer> whole(String name, int minimum) {
        return find(name).map(node -> {
            String expected = "a whole number ≥ " + minimum;
            double value = parse(name, node, expected);
            if (value != Math.rint(value) || value < minimum || value > Integer.MAX_VALUE) {
                throw wrong(name, expected, node);
            }
            return (int) value;
        });
    }

    int whole(String name, int otherwise, int minimum) {
        return whole(name, minimum).orElse(otherwise);
    }

    boolean flag(String name, boolean otherwise) {
        return find(name)
                .map(node -> {
                    if (node.isBoolean()) {
                        return node.booleanValue();
                    }
                    return switch (node.asText()) {
                        case "true", "yes", "on" -> true;
                        case "false", "no", "off" -> false;
                        default -> throw wrong(name, "true or false", node);
                    };
                })
                .orElse(otherwise);
    }

    Optional<Boolean> optionalFlag(String name) {
        return find(name).isEmpty() ? Optional.empty() : Optional.of(flag(name, false));
    }

    Optional<ObjectNode> object(String name) {
        return find(name).map(node -> {
            if (!(node instanceof ObjectNode object)) {
                throw wrong(name, "fields (key: value)", node);
            }
            return object;
        });
    }

    /// Fields within a field, with the same manners; call its [#finish] too.
    Optional<Settings> nested(String name) {
        return object(name).map(fields -> new Settings(source + ", " + name, fields));
    }

    /// Adds to what is to be said to the user.
    void notice(String sentence) {
        notices.add(sentence);
    }

    TrainException wrong(String name, String expected, JsonNode found) {
        return TrainException.input(
                source + ", field \"" + name + "\": expected " + expected + ", found " + found + ".");
    }

    TrainException missing(String name, String what) {
        return TrainException.input(source + ": the field \"" + name + "\" is missing; it gives " + what + ".");
    }

    /// Refuses fields that no read asked for.
    ///
    /// @return what is to be said about accepted fields without effect
    List<String> finish() {
        for (Map.Entry<String, JsonNode> field : fields.properties()) {
            String name = field.getKey();
            if (known.contains(name)) {
                continue;
            }
            if (WITHOUT_EFFECT.contains(name)) {
                notices.add("\"" + name + "\" has no effect here and is ignored.");
                continue;
            }
            String nearest = known.stream()
                    .min(java.util.Comparator.comparingInt(k -> distance(k, name)))
                    .filter(k -> distance(k, name) <= Math.max(2, name.length() / 3))
                    .map(k -> " Did you mean \"" + k + "\"?")
                    .orElse(" Known fields: "
                            + String.join(", ", known.stream().sorted().toList()) + ".");
            throw TrainException.input(source + ": unknown field \"" + name + "\"." + nearest);
        }
        return notices;
    }

    /// The number of single-letter edits between two words (Levenshtein 1966).
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(Math.min(row[j], row[j - 1]) + 1, diagonal + cost);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
