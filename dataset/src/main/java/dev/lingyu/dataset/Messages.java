package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/// Tagged messages, as ShareGPT, OpenAI and TRL write them.
final class Messages {
    private final Tags tags;
    private final boolean openAi;

    /// @param openAi whether `tool_calls` and lists of content parts are looked for
    Messages(Tags tags, boolean openAi) {
        this.tags = tags;
        this.openAi = openAi;
    }

    /// A dialogue from a list of messages. A first message by the system comes before what the row says
    /// elsewhere.
    Conversation conversation(Fields row, String field, Optional<String> system, Optional<String> tools)
            throws RowFault {
        List<Message> messages = new ArrayList<>();
        List<JsonNode> nodes = row.list(field);
        Optional<String> prompt = system;
        for (int i = 0; i < nodes.size(); i++) {
            Message message = message(row, field + "[" + i + "]", nodes.get(i));
            if (i == 0 && message.role() == Role.SYSTEM) {
                prompt = Optional.of(message.content());
            } else {
                messages.add(message);
            }
        }
        return new Conversation(prompt, messages, tools);
    }

    /// One message.
    ///
    /// @throws RowFault also if nobody knows the speaker: such a row is left out, as LLaMA-Factory leaves it
    /// out
    Message message(Fields row, String field, JsonNode node) throws RowFault {
        Fields fields = row.inside(field, node);
        String speaker = fields.string(tags.roleTag());
        Role role = tags.roles().get(speaker);
        if (openAi
                && fields.node("tool_calls").isArray()
                && !fields.node("tool_calls").isEmpty()) {
            return Message.toolCall(calls(fields));
        }
        String content = content(fields);
        if (role == null) {
            throw RowFault.unusable("nobody called \"" + Fields.shortened(speaker, 40) + "\" is known in "
                    + fields.path() + tags.roleTag() + "; known are "
                    + String.join(", ", new TreeSet<>(tags.roles().keySet())));
        }
        return new Message(role, content);
    }

    private String content(Fields fields) throws RowFault {
        JsonNode node = fields.node(tags.contentTag());
        if (!openAi || !node.isArray()) {
            return fields.string(tags.contentTag());
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < node.size(); i++) {
            Fields part = fields.inside(tags.contentTag() + "[" + i + "]", node.get(i));
            String type = part.string("type");
            if (!type.equals("text")) {
                throw part.fault(
                        "type",
                        "expected text, found \"" + Fields.shortened(type, 40)
                                + "\": only text can be learned from here");
            }
            text.append(part.string("text"));
        }
        return text.toString();
    }

    /// The calls as a JSON list of {name, arguments}; a single one too, as LLaMA-Factory has it.
    private static String calls(Fields message) throws RowFault {
        List<JsonNode> calls = message.list("tool_calls");
        ArrayNode functions = JsonNodeFactory.instance.arrayNode();
        for (int i = 0; i < calls.size(); i++) {
            String field = "tool_calls[" + i + "]";
            Fields call = message.inside(field, calls.get(i));
            call.inside("function", call.node("function")).string("name");
            functions.add(call.node("function"));
        }
        return functions.toString();
    }
}
