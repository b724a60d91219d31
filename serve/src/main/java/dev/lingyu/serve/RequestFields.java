package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.DoubleConsumer;

/// The fields of a request body, read with their types checked; null is the same as absent. Fields that nobody asks
/// for are ignored, as OpenAI's own additions come and go.
final class RequestFields {
    private final ObjectNode object;

    RequestFields(ObjectNode object) {
        this.object = object;
    }

    /// The value of a field, where it is there and not null.
    Optional<JsonNode> value(String field) {
        JsonNode node = object.get(field);
        return node == null || node.isNull() ? Optional.empty() : Optional.of(node);
    }

    Optional<String> text(String field) {
        return value(field).map(node -> {
            if (!node.isTextual()) {
                throw wrong(field, node, "a string");
            }
            return Json.wellFormed(node.textValue());
        });
    }

    String requiredText(String field) {
        return text(field)
                .orElseThrow(() -> ApiException.field(field, "The field '" + field + "' is missing; it is required."));
    }

    boolean flag(String field) {
        return value(field)
                .map(node -> {
                    if (!node.isBoolean()) {
                        throw wrong(field, node, "true or false");
                    }
                    return node.booleanValue();
                })
                .orElse(false);
    }

    /// Hands a number on, where there is one.
    void number(String field, DoubleConsumer to) {
        value(field).ifPresent(node -> {
            if (!node.isNumber()) {
                throw wrong(field, node, "a number");
            }
            to.accept(node.doubleValue());
        });
    }

    OptionalInt whole(String field) {
        OptionalLong value = wholeLong(field);
        if (value.isPresent() && value.getAsLong() != (int) value.getAsLong()) {
            throw wrong(field, object.get(field), "a smaller number");
        }
        return value.isPresent() ? OptionalInt.of((int) value.getAsLong()) : OptionalInt.empty();
    }

    OptionalLong wholeLong(String field) {
        Optional<JsonNode> node = value(field);
        if (node.isEmpty()) {
            return OptionalLong.empty();
        }
        // 1.0 is a whole number in JavaScript and many clients.
        if (!node.get().canConvertToExactIntegral() || !node.get().canConvertToLong()) {
            throw wrong(field, node.get(), "a whole number");
        }
        return OptionalLong.of(node.get().longValue());
    }

    /// A text, or a list of texts.
    List<String> texts(String field) {
        Optional<JsonNode> node = value(field);
        if (node.isEmpty()) {
            return List.of();
        }
        if (node.get().isTextual()) {
            return List.of(Json.wellFormed(node.get().textValue()));
        }
        List<String> texts = new ArrayList<>();
        for (JsonNode element : array(field, node.get(), "a string or a list of strings")) {
            if (!element.isTextual()) {
                throw wrong(field, element, "a string or a list of strings");
            }
            texts.add(Json.wellFormed(element.textValue()));
        }
        return texts;
    }

    Optional<RequestFields> fields(String field) {
        return value(field).map(node -> {
            if (!(node instanceof ObjectNode inner)) {
                throw wrong(field, node, "an object");
            }
            return new RequestFields(inner);
        });
    }

    static ArrayNode array(String field, JsonNode node, String expected) {
        if (!(node instanceof ArrayNode array)) {
            throw wrong(field, node, expected);
        }
        return array;
    }

    static ApiException wrong(String field, JsonNode found, String expected) {
        return ApiException.field(
                field, "The field '" + field + "' is " + described(found) + "; expected " + expected + ".");
    }

    static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case ARRAY -> "list";
            case OBJECT, POJO -> "object";
            case STRING, BINARY -> "string";
            case NUMBER -> "number";
            case BOOLEAN -> "boolean";
            case NULL, MISSING -> "null";
        };
    }

    private static String described(JsonNode node) {
        if (node.isContainerNode()) {
            return "a" + (node.isObject() ? "n " : " ") + kind(node);
        }
        String text = node.toString();
        return text.length() <= 60 ? text : text.substring(0, 57) + "…";
    }
}
