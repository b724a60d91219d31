package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.ChatMessage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads the `messages` of a chat request.
final class ChatMessages {
    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool", "function");

    private ChatMessages() {}

    /// @throws ApiException 400, naming the message and field
    static List<ChatMessage> read(RequestFields fields) {
        JsonNode node = fields.value("messages")
                .orElseThrow(() -> ApiException.field(
                        "messages", "The field 'messages' is missing; expected a list of messages."));
        JsonNode list = RequestFields.array("messages", node, "a list of messages");
        if (list.isEmpty()) {
            throw ApiException.field(
                    "messages", "The field 'messages' is an empty list; expected at least one message.");
        }
        List<ChatMessage> messages = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            messages.add(message("messages[" + i + "]", list.get(i)));
        }
        return messages;
    }

    private static ChatMessage message(String where, JsonNode node) {
        if (!(node instanceof ObjectNode object)) {
            throw RequestFields.wrong(where, node, "an object with 'role' and 'content'");
        }
        JsonNode role = object.path("role");
        if (!role.isTextual() || !ROLES.contains(role.textValue())) {
            throw ApiException.field(
                    where + ".role",
                    "The field '%s.role' is %s; expected system, developer, user, assistant or tool."
                            .formatted(where, role.isMissingNode() ? "missing" : role.toString()));
        }
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        object.properties().forEach(entry -> values.put(entry.getKey(), plain(entry.getValue())));
        // OpenAI's newer word for the system's text, which no template knows.
        values.put("role", role.textValue().equals("developer") ? "system" : role.textValue());
        values.put("content", content(where + ".content", object, role.textValue()));
        return ChatMessage.from(values);
    }

    private static String content(String where, ObjectNode message, String role) {
        JsonNode content = message.path("content");
        if (content.isTextual()) {
            return Json.wellFormed(content.textValue());
        }
        if (content.isArray()) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < content.size(); i++) {
                text.append(part(where + "[" + i + "]", content.get(i)));
            }
            return text.toString();
        }
        if (role.equals("assistant") && !content.isContainerNode() && content.isEmpty() && isNull(content)) {
            return "";
        }
        throw ApiException.field(
                where,
                "The field '%s' is %s; expected a string or a list of text parts."
                        .formatted(where, content.isMissingNode() ? "missing" : RequestFields.kind(content)));
    }

    private static boolean isNull(JsonNode node) {
        return node.isNull() || node.isMissingNode();
    }

    private static String part(String where, JsonNode part) {
        String type = part.path("type").asText("");
        if (!type.equals("text")) {
            throw ApiException.field(
                    where + ".type",
                    "The field '%s.type' is \"%s\"; this server reads only parts of type \"text\"."
                            .formatted(where, type));
        }
        if (!part.path("text").isTextual()) {
            throw RequestFields.wrong(where + ".text", part.path("text"), "a string");
        }
        return Json.wellFormed(part.path("text").textValue());
    }

    /// A JSON value as templates take it; [Optional#empty()] for a null inside.
    private static Object plain(JsonNode node) {
        return switch (node.getNodeType()) {
            case STRING -> Json.wellFormed(node.textValue());
            case BOOLEAN -> node.booleanValue();
            case NUMBER -> node.isIntegralNumber() ? (Object) node.longValue() : (Object) node.doubleValue();
            case ARRAY -> {
                List<Object> list = new ArrayList<>();
                node.forEach(element -> list.add(plain(element)));
                yield list;
            }
            case OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                node.properties().forEach(entry -> map.put(entry.getKey(), plain(entry.getValue())));
                yield map;
            }
            default -> Optional.empty();
        };
    }
}
