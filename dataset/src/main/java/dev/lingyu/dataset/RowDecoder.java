package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/// Makes an example of a row. Whether its turns are regular and its shape is wanted, [Shapes] judges.
interface RowDecoder {
    Example decode(JsonNode row) throws RowFault;

    /// The decoder for a layout.
    static RowDecoder of(Layout layout) {
        return switch (layout.formatting()) {
            case ALPACA -> new AlpacaDecoder(layout);
            case SHAREGPT, OPENAI -> new ShareGptDecoder(layout);
            case DIALOGUE_PAIR -> new DialoguePairDecoder(layout);
        };
    }

    /// The system prompt that a row gives in a column of its own.
    static Optional<String> system(Layout layout, Fields row) throws RowFault {
        Optional<String> field = layout.field(Column.SYSTEM);
        return field.isPresent() ? row.optionalString(field.get()) : Optional.empty();
    }

    /// The tools of a row as JSON text, whether the file holds text or JSON.
    static Optional<String> tools(Layout layout, Fields row) throws RowFault {
        Optional<String> field = layout.field(Column.TOOLS);
        if (field.isEmpty() || !row.has(field.get())) {
            return Optional.empty();
        }
        JsonNode tools = row.node(field.get());
        if (tools.isArray() || tools.isObject()) {
            return tools.isEmpty() ? Optional.empty() : Optional.of(tools.toString());
        }
        return row.optionalString(field.get()).filter(text -> !text.equals("[]"));
    }

    /// The name of a column that this layout can't do without.
    static String required(Layout layout, Column column) throws RowFault {
        return layout.field(column)
                .orElseThrow(() -> RowFault.fatal("the layout names no \"" + column.key()
                        + "\" column. Name it under columns in dataset_info.json"));
    }

    /// A conversation with a message behind it.
    static Conversation join(Conversation prompt, Iterable<Message> more) {
        Conversation joined = prompt;
        for (Message message : more) {
            joined = joined.plus(message);
        }
        return joined;
    }
}
