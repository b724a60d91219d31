package dev.lingyu.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.Message;
import dev.lingyu.model.ChatMessage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A dataset's conversations in the words of chat templates, which are those of OpenAI's API.
final class ChatMessages {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern THOUGHTS = Pattern.compile("<think>\n?.*?\n?</think>\\s*", Pattern.DOTALL);
    private static final Pattern CALL = Pattern.compile("<tool_call>(.*?)</tool_call>", Pattern.DOTALL);

    private ChatMessages() {}

    static List<ChatMessage> of(Conversation conversation) {
        List<ChatMessage> messages = new ArrayList<>();
        conversation.system().ifPresent(text -> messages.add(ChatMessage.of("system", text)));
        conversation.messages().forEach(message -> messages.add(of(message)));
        return messages;
    }

    private static ChatMessage of(Message message) {
        return switch (message.role()) {
            case USER -> ChatMessage.of("user", message.content());
            case SYSTEM -> ChatMessage.of("system", message.content());
            case OBSERVATION -> ChatMessage.of("tool", message.content());
            case ASSISTANT -> ChatMessage.of("assistant", message.content());
            case TOOL_CALL -> call(message.content());
        };
    }

    /// A call as JSON, `{"name", "arguments"}` or a list of them, possibly with thoughts in front or in
    /// `<tool_call>` tags. What is no call is an answer like any other.
    private static ChatMessage call(String content) {
        String thoughts = "";
        String json = content;
        Matcher tagged = CALL.matcher(content);
        Matcher thinking = THOUGHTS.matcher(content);
        if (tagged.find()) {
            json = tagged.group(1);
            thoughts = content.replace(tagged.group(), "");
        } else if (thinking.find()) {
            thoughts = thinking.group();
            json = content.replace(thoughts, "");
        }
        Optional<JsonNode> calls = parse(json);
        if (calls.isEmpty() || !calls.get().isContainerNode()) {
            return ChatMessage.of("assistant", content);
        }
        List<Map<String, Object>> functions = new ArrayList<>();
        for (JsonNode call :
                calls.get().isArray() ? calls.get() : JSON.createArrayNode().add(calls.get())) {
            if (!call.path("name").isTextual()) {
                return ChatMessage.of("assistant", content);
            }
            Map<String, Object> function = new LinkedHashMap<>();
            function.put("name", call.path("name").textValue());
            function.put("arguments", value(call.path("arguments")));
            functions.add(Map.of("type", "function", "function", function));
        }
        return ChatMessage.of("assistant", thoughts).with("tool_calls", functions);
    }

    private static Object value(JsonNode node) {
        return node.isMissingNode() || node.isNull() ? Map.of() : JSON.convertValue(node, Object.class);
    }

    /// The tools of a conversation, from their JSON text; one tool may stand without a list.
    static List<Map<String, Object>> tools(String json) {
        Optional<JsonNode> node = parse(json);
        if (node.isEmpty() || !node.get().isContainerNode()) {
            throw TrainException.input("A row's tools are no JSON list of functions: "
                    + json.substring(0, Math.min(80, json.length())) + ". Mend the row, or leave its tools empty.");
        }
        JsonNode list =
                node.get().isArray() ? node.get() : JSON.createArrayNode().add(node.get());
        return JSON.convertValue(list, new TypeReference<>() {});
    }

    private static Optional<JsonNode> parse(String json) {
        try {
            return Optional.ofNullable(JSON.readTree(json));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /// Whether a message says nothing.
    static boolean isEmpty(ChatMessage message) {
        return message.content().isBlank()
                && !message.fields().containsKey("tool_calls")
                && !message.fields().containsKey("reasoning_content");
    }

    static List<ChatMessage> withLast(List<ChatMessage> messages, ChatMessage last) {
        List<ChatMessage> changed = new ArrayList<>(messages);
        changed.set(changed.size() - 1, last);
        return changed;
    }
}
