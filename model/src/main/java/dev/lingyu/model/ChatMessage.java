package dev.lingyu.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One message of a conversation: who says what.
///
/// `fields` are what else a template may read, in the form of OpenAI's API: `tool_calls` (a list of maps),
/// `tool_call_id`, `name`, `reasoning_content` … Their values are strings, numbers, booleans, lists and
/// maps; an empty `Optional` stands for null. A field named `content` replaces the text: a list of content
/// parts, or null beside tool calls.
public record ChatMessage(String role, String content, Map<String, Object> fields) {
    /// The order in which transformers looks for what the model thought.
    private static final List<String> REASONING = List.of("reasoning_content", "thinking", "reasoning");

    public ChatMessage {
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /// A message of text alone.
    public static ChatMessage of(String role, String content) {
        return new ChatMessage(role, content, Map.of());
    }

    /// A message as JSON has it.
    ///
    /// @throws ModelException when it has no role
    public static ChatMessage from(Map<String, ? extends @Nullable Object> message) {
        if (!(message.get("role") instanceof String role)) {
            throw new ModelException("a message needs a 'role' that is a string, found the fields " + message.keySet());
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        message.forEach((name, value) -> {
            boolean plain = name.equals("role") || (name.equals("content") && value instanceof String);
            if (!plain) {
                fields.put(name, value == null ? Optional.empty() : value);
            }
        });
        return new ChatMessage(role, message.get("content") instanceof String text ? text : "", fields);
    }

    /// The same message with one more field.
    public ChatMessage with(String field, Object value) {
        Map<String, Object> all = new LinkedHashMap<>(fields);
        all.put(field, value);
        return new ChatMessage(role, content, all);
    }

    /// What a template sees as `message`. As in transformers, reasoning is found under the names of older
    /// templates and of gpt-oss, too.
    Map<String, Object> variables() {
        Map<String, Object> all = new LinkedHashMap<>();
        Optional<Object> reasoning = REASONING.stream()
                .filter(fields::containsKey)
                .map(fields::get)
                .filter(value -> !(value instanceof Optional<?> maybe && maybe.isEmpty()))
                .findFirst();
        reasoning.ifPresent(value -> all.put("thinking", value));
        all.put("role", role);
        all.put("content", content);
        all.putAll(fields);
        reasoning.ifPresent(value -> all.put("reasoning_content", value));
        return all;
    }
}
