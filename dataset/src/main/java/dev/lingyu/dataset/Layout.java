package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import java.util.Optional;

/// Which field of a row means what.
///
/// @param formatting the family of layouts
/// @param ranking whether a row holds a better and a worse answer
/// @param columns the names of the fields that matter; a part without a name is not read
/// @param tags how messages name their speakers
public record Layout(Formatting formatting, boolean ranking, Map<Column, String> columns, Tags tags) {
    /// The families of layouts.
    public enum Formatting {
        /// One field for each part: instruction, input, output. A prompt alone is plain text or a prompt to
        /// answer.
        ALPACA,
        /// A list of messages with tagged speakers.
        SHAREGPT,
        /// As SHAREGPT, with OpenAI's `tool_calls` and lists of content parts.
        OPENAI,
        /// Two whole dialogues, `chosen` and `rejected`, alike up to their last answer: texts with
        /// `\n\nHuman:` and `\n\nAssistant:` marks (Anthropic's HH), or message lists (TRL's implicit
        /// prompt).
        DIALOGUE_PAIR
    }

    public Layout {
        requireNonNull(formatting, "formatting");
        requireNonNull(tags, "tags");
        columns = Map.copyOf(columns);
    }

    /// LLaMA-Factory's default: instruction, input, output.
    public static Layout alpaca() {
        return new Layout(
                Formatting.ALPACA,
                false,
                Map.of(Column.PROMPT, "instruction", Column.QUERY, "input", Column.RESPONSE, "output"),
                Tags.sharegpt());
    }

    /// LLaMA-Factory's default for `formatting: sharegpt`: conversations of from and value.
    public static Layout sharegpt() {
        return new Layout(Formatting.SHAREGPT, false, Map.of(Column.MESSAGES, "conversations"), Tags.sharegpt());
    }

    /// Plain text in one field.
    public static Layout text(String field) {
        return new Layout(Formatting.ALPACA, false, Map.of(Column.PROMPT, field), Tags.sharegpt());
    }

    /// The field that holds a part, if this layout has one.
    public Optional<String> field(Column column) {
        return Optional.ofNullable(columns.get(column));
    }
}
