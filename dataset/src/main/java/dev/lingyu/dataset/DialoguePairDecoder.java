package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Two whole dialogues that differ in their last answer. The prompt is what they share.
///
/// Where they already differ earlier, the answers do not answer the same prompt, and the row can't be learned
/// from.
final class DialoguePairDecoder implements RowDecoder {
    private static final String HUMAN = "\n\nHuman:";
    private static final String ASSISTANT = "\n\nAssistant:";

    private final Layout layout;
    private final Messages messages;

    DialoguePairDecoder(Layout layout) {
        this.layout = layout;
        this.messages = new Messages(layout.tags(), true);
    }

    @Override
    public Example decode(JsonNode node) throws RowFault {
        Fields row = Fields.row(node);
        Conversation chosen = dialogue(row, RowDecoder.required(layout, Column.CHOSEN));
        Conversation rejected = dialogue(row, RowDecoder.required(layout, Column.REJECTED));
        if (!chosen.endsWithAnswer() || !rejected.endsWithAnswer()) {
            throw RowFault.unusable("one of the two dialogues does not end with an answer");
        }
        if (!chosen.withoutAnswer().equals(rejected.withoutAnswer())) {
            throw RowFault.unusable("the two dialogues differ before their last answer, so they share no prompt");
        }
        return new PreferencePair(
                chosen.withoutAnswer(),
                chosen.messages().getLast(),
                rejected.messages().getLast());
    }

    private Conversation dialogue(Fields row, String field) throws RowFault {
        return row.node(field).isArray()
                ? messages.conversation(row, field, RowDecoder.system(layout, row), RowDecoder.tools(layout, row))
                : Conversation.of(turns(row.string(field)));
    }

    private static List<Message> turns(String transcript) throws RowFault {
        String text = transcript.startsWith("Human:") ? "\n\n" + transcript : transcript;
        if (!text.startsWith(HUMAN)) {
            throw RowFault.unusable("a dialogue does not begin with \"Human:\"");
        }
        List<Message> turns = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            boolean human = text.startsWith(HUMAN, at);
            int begin = at + (human ? HUMAN : ASSISTANT).length();
            int end = nextMark(text, begin).orElse(text.length());
            String words = text.substring(begin, end).strip();
            turns.add(human ? Message.user(words) : Message.assistant(words));
            at = end;
        }
        return turns;
    }

    private static Optional<Integer> nextMark(String text, int from) {
        int human = text.indexOf(HUMAN, from);
        int assistant = text.indexOf(ASSISTANT, from);
        if (human < 0 || assistant < 0) {
            int only = Math.max(human, assistant);
            return only < 0 ? Optional.empty() : Optional.of(only);
        }
        return Optional.of(Math.min(human, assistant));
    }
}
