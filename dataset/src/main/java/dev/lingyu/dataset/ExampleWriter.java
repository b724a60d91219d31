package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Writes examples as JSON Lines that this module, LLaMA-Factory and TRL read.
///
/// | shape | row |
/// |---|---|
/// | text | `{"text"}` |
/// | conversation | `{"conversations": [{"from", "value"}…], "system"?, "tools"?}` |
/// | preference | the same, with `"chosen"` and `"rejected"` messages |
/// | labelled | the same as a conversation, with `"kto_tag"` |
/// | prompt | `{"prompt": [{"role", "content"}…], "tools"?}`, a system prompt as its first message |
///
/// The file appears only with [#commit()]; closing without it leaves nothing behind.
///
/// ```java
/// try (ExampleWriter out = ExampleWriter.create(Path.of("data/faq.jsonl"))) {
///     out.write(Conversation.of(Message.user("…"), Message.assistant("…")));
///     out.commit();
/// }
/// ```
public final class ExampleWriter implements AutoCloseable {
    private final JsonMapper mapper = new JsonMapper();
    private final Path target;
    private final AtomicFile file;
    private long rows;

    private ExampleWriter(Path target, AtomicFile file) {
        this.target = target;
        this.file = file;
    }

    /// Begins a file; missing folders are made.
    ///
    /// @throws DatasetException if it can't be written
    public static ExampleWriter create(Path target) {
        try {
            return new ExampleWriter(target, AtomicFile.create(target));
        } catch (IOException failure) {
            throw notWritten(target, failure);
        }
    }

    /// Adds a row.
    public void write(Example example) {
        try {
            file.stream().write((row(example) + "\n").getBytes(StandardCharsets.UTF_8));
            rows++;
        } catch (IOException failure) {
            throw notWritten(target, failure);
        }
    }

    /// How many rows were written.
    public long rows() {
        return rows;
    }

    /// Puts the file in its place, on disk and whole.
    public void commit() {
        try {
            file.commit();
        } catch (IOException failure) {
            throw notWritten(target, failure);
        }
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException failure) {
            throw notWritten(target, failure);
        }
    }

    private ObjectNode row(Example example) {
        return switch (example) {
            case TextExample(String text) -> mapper.createObjectNode().put("text", text);
            case Conversation conversation -> sharegpt(conversation);
            case LabelledExample(Conversation conversation, boolean desirable) ->
                sharegpt(conversation).put("kto_tag", desirable);
            case PreferencePair(Conversation prompt, Message chosen, Message rejected) -> {
                ObjectNode row = sharegpt(prompt);
                row.set("chosen", message(chosen));
                row.set("rejected", message(rejected));
                yield row;
            }
            case PromptExample(Conversation prompt) -> prompt(prompt);
        };
    }

    private ObjectNode sharegpt(Conversation conversation) {
        ObjectNode row = mapper.createObjectNode();
        ArrayNode turns = row.putArray("conversations");
        conversation.messages().forEach(message -> turns.add(message(message)));
        conversation.system().ifPresent(system -> row.put("system", system));
        conversation.tools().ifPresent(tools -> row.put("tools", tools));
        return row;
    }

    private ObjectNode message(Message message) {
        String speaker = switch (message.role()) {
            case USER -> "human";
            case ASSISTANT -> "gpt";
            case SYSTEM -> "system";
            case TOOL_CALL -> "function_call";
            case OBSERVATION -> "observation";
        };
        return mapper.createObjectNode().put("from", speaker).put("value", message.content());
    }

    private ObjectNode prompt(Conversation prompt) {
        ObjectNode row = mapper.createObjectNode();
        ArrayNode turns = row.putArray("prompt");
        prompt.system()
                .ifPresent(system -> turns.addObject().put("role", "system").put("content", system));
        for (Message message : prompt.messages()) {
            String speaker = switch (message.role()) {
                case USER -> "user";
                case ASSISTANT -> "assistant";
                case SYSTEM -> "system";
                case TOOL_CALL -> "tool_call";
                case OBSERVATION -> "tool";
            };
            turns.addObject().put("role", speaker).put("content", message.content());
        }
        prompt.tools().ifPresent(tools -> row.put("tools", tools));
        return row;
    }

    private static DatasetException notWritten(Path file, IOException failure) {
        return DatasetException.inFile(file, "can't be written (" + failure.getMessage() + ")", failure);
    }
}
