package dev.lingyu.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A `config.json` whose fields are read with their type, and with a sentence when they are not what they
/// should be.
///
/// Methods take several names for fields that changed their spelling over the years; the first present one
/// counts.
public final class ConfigJson {
    private final Path file;
    private final JsonNode root;

    ConfigJson(Path file, JsonNode root) {
        this.file = file;
        this.root = root;
    }

    /// The raw document.
    public JsonNode root() {
        return root;
    }

    private Optional<JsonNode> find(String... names) {
        for (String name : names) {
            JsonNode node = root.path(name);
            if (!node.isMissingNode() && !node.isNull()) {
                return Optional.of(node);
            }
        }
        return Optional.empty();
    }

    /// A whole number that must be there and be positive.
    public int positive(String... names) {
        JsonNode node = find(names)
                .orElseThrow(() -> new ModelException(file + ": the field \"" + String.join("\" or \"", names)
                        + "\" is missing; a whole number was expected."));
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1) {
            throw wrong(names[0], "a whole number ≥ 1", node);
        }
        return node.intValue();
    }

    /// A positive whole number, or a default where the field is absent or null.
    public int positiveOr(int otherwise, String... names) {
        return find(names).isPresent() ? positive(names) : otherwise;
    }

    /// A number, or a default.
    public double numberOr(double otherwise, String... names) {
        Optional<JsonNode> node = find(names);
        if (node.isPresent() && !node.get().isNumber()) {
            throw wrong(names[0], "a number", node.get());
        }
        return node.map(JsonNode::doubleValue).orElse(otherwise);
    }

    /// true or false, or a default.
    public boolean flagOr(boolean otherwise, String... names) {
        Optional<JsonNode> node = find(names);
        if (node.isPresent() && !node.get().isBoolean()) {
            throw wrong(names[0], "true or false", node.get());
        }
        return node.map(JsonNode::booleanValue).orElse(otherwise);
    }

    /// A string, or a default.
    public String textOr(String otherwise, String... names) {
        Optional<JsonNode> node = find(names);
        if (node.isPresent() && !node.get().isTextual()) {
            throw wrong(names[0], "a string", node.get());
        }
        return node.map(JsonNode::textValue).orElse(otherwise);
    }

    /// A nested object, empty where absent or null.
    public Optional<ConfigJson> object(String... names) {
        Optional<JsonNode> node = find(names);
        if (node.isPresent() && !node.get().isObject()) {
            throw wrong(names[0], "an object {…}", node.get());
        }
        return node.map(n -> new ConfigJson(file, n));
    }

    /// Token ids: one number or a list of them; empty where absent.
    public List<Integer> tokenIds(String... names) {
        Optional<JsonNode> node = find(names);
        List<Integer> ids = new ArrayList<>();
        node.ifPresent(n -> {
            for (JsonNode id : n.isArray() ? n : List.of(n)) {
                if (!id.isIntegralNumber()) {
                    throw wrong(names[0], "a token id or a list of token ids", n);
                }
                ids.add(id.intValue());
            }
        });
        return ids;
    }

    /// An error about one field.
    public ModelException wrong(String field, String expected, JsonNode found) {
        return new ModelException(file + ", field \"" + field + "\": expected " + expected + ", found " + found + ".");
    }

    /// Refuses a setting that this program does not compute.
    ///
    /// @throws ModelException when the flag is set
    public void refuse(String field, String why) {
        if (flagOr(false, field)) {
            throw new ModelException(file + ": \"" + field + "\": true is not supported (" + why + ").");
        }
    }
}
