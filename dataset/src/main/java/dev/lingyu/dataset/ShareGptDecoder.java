package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.dataset.Layout.Formatting;
import java.util.Optional;

/// A list of tagged messages; in ranked data with the answers beside it, as messages or as strings.
final class ShareGptDecoder implements RowDecoder {
    private final Layout layout;
    private final Messages messages;

    ShareGptDecoder(Layout layout) {
        this.layout = layout;
        this.messages = new Messages(layout.tags(), layout.formatting() == Formatting.OPENAI);
    }

    @Override
    public Example decode(JsonNode node) throws RowFault {
        Fields row = Fields.row(node);
        Conversation conversation = messages.conversation(
                row,
                RowDecoder.required(layout, Column.MESSAGES),
                RowDecoder.system(layout, row),
                RowDecoder.tools(layout, row));
        Optional<String> kto = layout.field(Column.KTO_TAG);
        if (kto.isPresent()) {
            return new LabelledExample(conversation, row.bool(kto.get()));
        }
        if (!layout.ranking()) {
            return conversation;
        }
        Message chosen = answer(row, RowDecoder.required(layout, Column.CHOSEN));
        Message rejected = answer(row, RowDecoder.required(layout, Column.REJECTED));
        return new PreferencePair(conversation, chosen, rejected);
    }

    private Message answer(Fields row, String field) throws RowFault {
        JsonNode node = row.node(field);
        if (node.isTextual()) {
            return Message.assistant(row.string(field));
        }
        if (!node.isObject()) {
            throw row.unexpected(field, "a message {…} or a string", node);
        }
        return messages.message(row, field, node);
    }
}
