package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The fields of one JSON object, read with an expectation; what does not meet it becomes a [RowFault].
///
/// @param object a JSON object
/// @param path what leads to it: empty, or `messages[2].`
record Fields(JsonNode object, String path) {
    Fields {
        requireNonNull(path, "path");
    }

    /// The fields of a whole row.
    static Fields row(JsonNode row) throws RowFault {
        if (!row.isObject()) {
            throw RowFault.bad("expected an object {…}, found " + describe(row));
        }
        return new Fields(row, "");
    }

    /// True if the field is there and not null.
    boolean has(String field) {
        return object.hasNonNull(field);
    }

    JsonNode node(String field) {
        JsonNode node = object.get(field);
        return node == null ? JsonNodeFactory.instance.missingNode() : node;
    }

    /// A string that has to be there.
    String string(String field) throws RowFault {
        return text(field, node(field));
    }

    /// A string that may be absent or null; an empty one counts as absent.
    Optional<String> optionalString(String field) throws RowFault {
        return has(field) ? Optional.of(string(field)).filter(text -> !text.isEmpty()) : Optional.empty();
    }

    boolean bool(String field) throws RowFault {
        JsonNode node = node(field);
        if (!node.isBoolean()) {
            throw unexpected(field, "true or false", node);
        }
        return node.booleanValue();
    }

    /// The elements of a list that has to be there.
    List<JsonNode> list(String field) throws RowFault {
        JsonNode node = node(field);
        if (!node.isArray()) {
            throw unexpected(field, "a list", node);
        }
        List<JsonNode> elements = new ArrayList<>(node.size());
        node.forEach(elements::add);
        return elements;
    }

    /// The fields of an object inside this one; `field` may be an index too: `messages[2]`.
    Fields inside(String field, JsonNode node) throws RowFault {
        if (!node.isObject()) {
            throw unexpected(field, "an object {…}", node);
        }
        return new Fields(node, path + field + ".");
    }

    /// The text of a string node, whole characters only.
    String text(String field, JsonNode node) throws RowFault {
        if (!node.isTextual()) {
            throw unexpected(field, "a string", node);
        }
        String text = node.textValue();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isSurrogate(c)) {
                boolean pair = i + 1 < text.length() && Character.isSurrogatePair(c, text.charAt(i + 1));
                if (!pair) {
                    throw fault(
                            field,
                            String.format(
                                    Locale.ROOT,
                                    "expected whole characters, found half of one (\\u%04x) at position %d",
                                    (int) c,
                                    i + 1));
                }
                i++;
            }
        }
        return text;
    }

    RowFault unexpected(String field, String expected, JsonNode found) {
        if (found.isMissingNode() && !field.endsWith("]")) {
            return fault(field, "expected " + expected + ", but the field is missing; the row has " + names(object));
        }
        return fault(field, "expected " + expected + ", found " + describe(found));
    }

    RowFault fault(String field, String problem) {
        return RowFault.bad(path + field, problem);
    }

    /// The names of an object's fields, for people: `instruction, output`.
    static String names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        if (names.isEmpty()) {
            return "no fields";
        }
        boolean many = names.size() > 8;
        return "the fields " + shortened(String.join(", ", many ? names.subList(0, 8) : names), 120)
                + (many ? ", …" : "");
    }

    /// A value, for people: `a number (42)`.
    static String describe(JsonNode node) {
        return switch (node.getNodeType()) {
            case STRING -> "a string (\"" + shortened(node.textValue(), 40) + "\")";
            case NUMBER -> "a number (" + shortened(node.asText(), 40) + ")";
            case BOOLEAN -> node.asText();
            case NULL -> "null";
            case ARRAY -> node.isEmpty() ? "an empty list" : "a list of " + node.size();
            case OBJECT -> "an object with " + names(node);
            case MISSING, BINARY, POJO -> "nothing";
        };
    }

    static String shortened(String text, int length) {
        String line = text.replaceAll("\\s+", " ");
        if (line.codePointCount(0, line.length()) <= length) {
            return line;
        }
        return line.substring(0, line.offsetByCodePoints(0, length)) + "…";
    }
}
