package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// One field for each part of a row: instruction, input, output, history, system.
///
/// The question is the non-empty ones of prompt and query, joined by a line feed; earlier turns come from
/// history, `[[question, answer], …]`. The same columns also carry
/// - a prompt that is a list of messages (TRL), then its answers may be such lists too;
/// - a response that is a ranked list, best first: its first two are the pair, as in LLaMA-Factory's reward
///   data;
/// - no response at all: plain text, or a prompt that waits for an answer.
final class AlpacaDecoder implements RowDecoder {
    private static final Set<String> QUESTIONS = Set.of("prompt", "instruction", "question", "query");

    private final Layout layout;
    private final Messages messages;

    AlpacaDecoder(Layout layout) {
        this.layout = layout;
        this.messages = new Messages(Tags.lenient("role", "content"), true);
    }

    @Override
    public Example decode(JsonNode node) throws RowFault {
        Fields row = Fields.row(node);
        if (isText(row)) {
            return TextExample.of(row.string(RowDecoder.required(layout, Column.PROMPT)));
        }
        Conversation prompt = prompt(row);
        if (layout.field(Column.KTO_TAG).isPresent()) {
            Conversation whole = RowDecoder.join(prompt, answers(row, RowDecoder.required(layout, Column.RESPONSE)));
            return new LabelledExample(
                    whole, row.bool(layout.field(Column.KTO_TAG).get()));
        }
        Optional<String> response = layout.field(Column.RESPONSE);
        if (response.isPresent() && isRanked(row.node(response.get()))) {
            return ranked(prompt, row, response.get());
        }
        if (layout.ranking()) {
            Message chosen = answer(row, RowDecoder.required(layout, Column.CHOSEN));
            Message rejected = answer(row, RowDecoder.required(layout, Column.REJECTED));
            return new PreferencePair(prompt, chosen, rejected);
        }
        return response.isEmpty() ? new PromptExample(prompt) : RowDecoder.join(prompt, answers(row, response.get()));
    }

    /// One column of text and nothing else. A name that speaks of a question makes it a prompt; a stage that
    /// wants the other of the two can have it, see [Shapes].
    private boolean isText(Fields row) {
        Optional<String> field = layout.field(Column.PROMPT);
        return layout.columns().size() == 1
                && field.isPresent()
                && !QUESTIONS.contains(field.get())
                && !row.node(field.get()).isArray();
    }

    private Conversation prompt(Fields row) throws RowFault {
        Optional<String> system = RowDecoder.system(layout, row);
        Optional<String> tools = RowDecoder.tools(layout, row);
        String field = RowDecoder.required(layout, Column.PROMPT);
        if (row.node(field).isArray()) {
            return messages.conversation(row, field, system, tools);
        }
        List<Message> turns = history(row);
        turns.add(Message.user(question(row, field)));
        return new Conversation(system, turns, tools);
    }

    private String question(Fields row, String field) throws RowFault {
        Optional<String> query = layout.field(Column.QUERY);
        Optional<String> second = query.isPresent() ? row.optionalString(query.get()) : Optional.empty();
        if (second.isPresent() && !row.has(field)) {
            return second.get();
        }
        String first = row.string(field);
        if (first.isEmpty() || second.isEmpty()) {
            return second.orElse(first);
        }
        return first + "\n" + second.get();
    }

    private List<Message> history(Fields row) throws RowFault {
        List<Message> turns = new ArrayList<>();
        Optional<String> field = layout.field(Column.HISTORY);
        if (field.isEmpty() || !row.has(field.get())) {
            return turns;
        }
        List<JsonNode> pairs = row.list(field.get());
        for (int i = 0; i < pairs.size(); i++) {
            JsonNode pair = pairs.get(i);
            String place = field.get() + "[" + i + "]";
            if (!pair.isArray() || pair.size() != 2) {
                throw row.unexpected(place, "a list of a question and its answer", pair);
            }
            turns.add(Message.user(row.text(place + "[0]", pair.get(0))));
            turns.add(Message.assistant(row.text(place + "[1]", pair.get(1))));
        }
        return turns;
    }

    private static boolean isRanked(JsonNode response) {
        return response.isArray() && !response.isEmpty() && response.get(0).isTextual();
    }

    private static PreferencePair ranked(Conversation prompt, Fields row, String field) throws RowFault {
        List<JsonNode> answers = row.list(field);
        if (answers.size() < 2) {
            throw row.unexpected(field, "two or more answers, best first", row.node(field));
        }
        return PreferencePair.of(
                prompt, row.text(field + "[0]", answers.get(0)), row.text(field + "[1]", answers.get(1)));
    }

    private Message answer(Fields row, String field) throws RowFault {
        List<Message> answers = answers(row, field);
        if (answers.size() != 1) {
            throw row.unexpected(field, "one answer", row.node(field));
        }
        return answers.getFirst();
    }

    private List<Message> answers(Fields row, String field) throws RowFault {
        JsonNode node = row.node(field);
        if (node.isObject()) {
            return List.of(messages.message(row, field, node));
        }
        if (node.path(0).isObject()) {
            return messages.conversation(row, field, Optional.empty(), Optional.empty())
                    .messages();
        }
        return List.of(Message.assistant(row.string(field)));
    }
}
