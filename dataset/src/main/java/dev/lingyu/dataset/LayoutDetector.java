package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.dataset.Layout.Formatting;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Recognises a layout by the fields of a first row.
final class LayoutDetector {
    private static final List<String> LISTS = List.of("messages", "conversations", "conversation");
    private static final List<String> LABELS = List.of("kto_tag", "label");
    /// Question and answer fields that occur together in the wild, the most telling first.
    private static final List<List<String>> PAIRS = List.of(
            List.of("prompt", "completion"),
            List.of("prompt", "response"),
            List.of("prompt", "output"),
            List.of("question", "answer"),
            List.of("query", "response"),
            List.of("input", "output"));

    private LayoutDetector() {}

    /// @param layout how to read the rows
    /// @param words the same for people: `Alpaca (instruction, input, output)`
    public record Found(Layout layout, String words) {
        public Found {
            requireNonNull(layout, "layout");
            requireNonNull(words, "words");
        }
    }

    /// Judges by one row.
    ///
    /// @throws RowFault if the row is no object, or of no known layout
    public static Found of(JsonNode node) throws RowFault {
        Fields row = Fields.row(node);
        Optional<String> list =
                LISTS.stream().filter(name -> row.node(name).isArray()).findFirst();
        boolean pair = row.has("chosen") && row.has("rejected");
        if (list.isPresent()) {
            return messages(row, list.get(), pair);
        }
        if (row.has("instruction")) {
            return alpaca(row, pair);
        }
        if (pair) {
            Optional<String> prompt = List.of("prompt", "question", "query", "input").stream()
                    .filter(row::has)
                    .findFirst();
            return prompt.isPresent() ? prompted(row, prompt.get()) : dialogues();
        }
        for (List<String> names : PAIRS) {
            if (row.has(names.getFirst()) && present(row, names.getLast())) {
                return asked(row, names.getFirst(), names.getLast());
            }
        }
        if (row.has("text")) {
            return new Found(Layout.text("text"), "plain text (field text)");
        }
        if (row.has("prompt")) {
            Map<Column, String> columns = optional(row);
            columns.put(Column.PROMPT, "prompt");
            return new Found(layout(Formatting.ALPACA, false, columns), "prompts without answers (field prompt)");
        }
        throw RowFault.fatal("no known layout has the fields of this row (it has " + Fields.names(node)
                + "). Known are instruction/input/output, conversations or messages, prompt/completion, input/output,"
                + " chosen/rejected and text; name your columns in dataset_info.json");
    }

    private static boolean present(Fields row, String field) {
        return !row.node(field).isMissingNode();
    }

    private static Found messages(Fields row, String field, boolean pair) {
        Map<Column, String> columns = optional(row);
        columns.put(Column.MESSAGES, field);
        JsonNode first = row.node(field).path(0);
        boolean openAi = first.has("role") || !first.has("from");
        Tags tags = openAi ? Tags.lenient("role", "content") : Tags.lenient("from", "value");
        String words = (openAi ? "OpenAI messages (" : "ShareGPT (") + field + " of " + tags.roleTag() + " and "
                + tags.contentTag() + ")";
        if (pair) {
            columns.put(Column.CHOSEN, "chosen");
            columns.put(Column.REJECTED, "rejected");
            words += " with chosen and rejected answers";
        } else {
            words += label(row, columns);
        }
        Formatting formatting = openAi ? Formatting.OPENAI : Formatting.SHAREGPT;
        return new Found(new Layout(formatting, pair, columns, tags), words);
    }

    private static Found alpaca(Fields row, boolean pair) {
        Map<Column, String> columns = optional(row);
        columns.put(Column.PROMPT, "instruction");
        columns.put(Column.QUERY, "input");
        columns.put(Column.HISTORY, "history");
        if (pair) {
            columns.put(Column.CHOSEN, "chosen");
            columns.put(Column.REJECTED, "rejected");
            return new Found(
                    layout(Formatting.ALPACA, true, columns), "Alpaca (instruction, input) with chosen and rejected");
        }
        if (!present(row, "output")) {
            return new Found(layout(Formatting.ALPACA, false, columns), "Alpaca prompts without answers");
        }
        columns.put(Column.RESPONSE, "output");
        if (row.node("output").isArray()) {
            return new Found(
                    layout(Formatting.ALPACA, true, columns),
                    "Alpaca (instruction, input) with ranked answers (output, best first; the first two are the pair)");
        }
        String label = label(row, columns);
        return new Found(layout(Formatting.ALPACA, false, columns), "Alpaca (instruction, input, output)" + label);
    }

    private static Found prompted(Fields row, String prompt) {
        Map<Column, String> columns = optional(row);
        columns.put(Column.PROMPT, prompt);
        columns.put(Column.CHOSEN, "chosen");
        columns.put(Column.REJECTED, "rejected");
        return new Found(
                layout(Formatting.ALPACA, true, columns), "preference pairs (" + prompt + ", chosen, rejected)");
    }

    private static Found dialogues() {
        Map<Column, String> columns = Map.of(Column.CHOSEN, "chosen", Column.REJECTED, "rejected");
        return new Found(
                layout(Formatting.DIALOGUE_PAIR, true, columns),
                "pairs of whole dialogues (chosen, rejected), alike up to their last answer");
    }

    private static Found asked(Fields row, String question, String answer) {
        Map<Column, String> columns = optional(row);
        columns.put(Column.PROMPT, question);
        columns.put(Column.RESPONSE, answer);
        String label = label(row, columns);
        return new Found(layout(Formatting.ALPACA, false, columns), "pairs of " + question + " and " + answer + label);
    }

    /// Adds the column that says whether an answer is good, if the row has one.
    private static String label(Fields row, Map<Column, String> columns) {
        Optional<String> label =
                LABELS.stream().filter(name -> row.node(name).isBoolean()).findFirst();
        label.ifPresent(name -> columns.put(Column.KTO_TAG, name));
        return label.map(name -> " with a verdict (" + name + ")").orElse("");
    }

    /// System and tools may be in any row, so they are looked for in all.
    private static Map<Column, String> optional(Fields row) {
        Map<Column, String> columns = new EnumMap<>(Column.class);
        columns.put(Column.SYSTEM, !row.has("system") && row.has("system_prompt") ? "system_prompt" : "system");
        columns.put(Column.TOOLS, "tools");
        return columns;
    }

    private static Layout layout(Formatting formatting, boolean ranking, Map<Column, String> columns) {
        return new Layout(formatting, ranking, columns, Tags.lenient("role", "content"));
    }
}
