package dev.lingyu.cli.rows;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.dataset.DatasetException;
import dev.lingyu.model.ChatMessage;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.ModelException;
import dev.lingyu.model.jinja.TemplateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Turns rows into token ids.
///
/// | field | how it becomes ids |
/// | --- | --- |
/// | `input_ids` | as they stand |
/// | `text` | encoded with the special tokens that the tokenizer puts around a text: `<s>` in front for LLaMA, none for
/// BLOOM and Qwen |
/// | `messages` | rendered by the model's chat template up to where the assistant begins, then encoded |
///
/// A row has exactly one of the fields that the command takes; other fields are not looked at.
public final class PromptReader {
    /// The fields of `generate`.
    public static final List<String> PROMPTS = List.of("messages", "text", "input_ids");

    /// The fields of `score`.
    public static final List<String> TEXTS = List.of("input_ids", "text");

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};

    private final LanguageModel model;
    private final List<String> fields;
    private final int maxTokens;

    /// @param fields    which fields rows may bring
    /// @param maxTokens the longest row that is accepted [tokens]
    public PromptReader(LanguageModel model, List<String> fields, int maxTokens) {
        this.model = model;
        this.fields = fields;
        this.maxTokens = maxTokens;
    }

    /// The token ids of a row, at least one.
    ///
    /// @throws DatasetException naming file, row and field when the row has none, or none that this model can take
    public int[] ids(JsonRow row) {
        String field = field(row);
        JsonNode value = row.value().path(field);
        int[] ids = switch (field) {
            case "input_ids" -> inputIds(row, value);
            case "text" -> text(row, value);
            default -> messages(row, value);
        };
        if (ids.length == 0) {
            throw row.wrong(field, "at least one token", value);
        }
        if (ids.length > maxTokens) {
            throw row.wrong(
                    field, "at most " + maxTokens + " tokens, the room in this model's context", ids.length + "");
        }
        return ids;
    }

    private String field(JsonRow row) {
        List<String> present = fields.stream().filter(row.value()::has).toList();
        if (present.size() != 1) {
            String names =
                    row.value().properties().stream().map(Map.Entry::getKey).collect(Collectors.joining(", "));
            String found = present.isEmpty()
                    ? (names.isEmpty() ? "no field" : "the fields " + names)
                    : String.join(" and ", present);
            throw DatasetException.inRow(
                    row.source(),
                    Optional.empty(),
                    "expected exactly one of the fields " + String.join(", ", fields) + ", found " + found + ".");
        }
        return present.getFirst();
    }

    private int[] inputIds(JsonRow row, JsonNode value) {
        if (!value.isArray()) {
            throw row.wrong("input_ids", "a list of token ids", value);
        }
        int vocabulary = model.decoder().config().vocabularySize();
        int[] ids = new int[value.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = value.get(i);
            if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0 || id.intValue() >= vocabulary) {
                throw row.wrong("input_ids[" + i + "]", "a token id from 0 to " + (vocabulary - 1), id);
            }
            ids[i] = id.intValue();
        }
        return ids;
    }

    private int[] text(JsonRow row, JsonNode value) {
        if (!value.isTextual()) {
            throw row.wrong("text", "a string", value);
        }
        return model.requireTokenizer().encodeWithSpecialTokens(value.textValue());
    }

    private int[] messages(JsonRow row, JsonNode value) {
        if (!value.isArray() || value.isEmpty()) {
            throw row.wrong("messages", "a list of at least one {\"role\": …, \"content\": …}", value);
        }
        List<ChatMessage> messages = new ArrayList<>();
        for (int i = 0; i < value.size(); i++) {
            messages.add(message(row, "messages[" + i + "]", value.get(i)));
        }
        try {
            return model.chatEncoder().prompt(messages);
        } catch (TemplateException refused) {
            throw DatasetException.inRow(
                    row.source(), Optional.of("messages"), String.valueOf(refused.getMessage()), refused);
        }
    }

    private static ChatMessage message(JsonRow row, String place, JsonNode value) {
        if (!value.isObject()) {
            throw row.wrong(place, "an object {\"role\": …, \"content\": …}", value);
        }
        if (!value.path("role").isTextual()) {
            throw row.wrong(place + ".role", "a string such as \"user\"", value.path("role"));
        }
        JsonNode content = value.path("content");
        boolean callsTools = value.path("tool_calls").isArray();
        if (!content.isTextual() && !content.isArray() && !callsTools) {
            throw row.wrong(place + ".content", "a string", content);
        }
        try {
            return ChatMessage.from(new LinkedHashMap<>(JSON.convertValue(value, FIELDS)));
        } catch (ModelException e) {
            throw DatasetException.inRow(row.source(), Optional.of(place), String.valueOf(e.getMessage()), e);
        }
    }
}
