package dev.lingyu.train;

import dev.lingyu.model.ChatMessage;
import dev.lingyu.model.tokenizer.Encoding;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Makes conversations short enough without losing the question.
///
/// First the earlier turns go, the oldest first, always a question with all that answered it; then the middle of
/// long questions and tool results; what of the answer still does not fit is cut at its end by the caller. The
/// system prompt stays whole until the rest can't be made any shorter. Texts are shortened at token boundaries
/// and the template writes its markers around what is left, so markers are always whole.
final class ChatFitter {
    /// What a shortened text keeps at least [tokens].
    private static final int KEPT = 16;

    private final Tokenizer tokenizer;
    private final int cutoff;

    /// How long a conversation is as ids.
    interface Measure {
        Size of(List<ChatMessage> messages);
    }

    /// @param prompt what is read before the answers [tokens]
    /// @param answer what the assistant wrote since the last question [tokens]; it may lose its tail
    /// @param rounds for each question but the last, where what answered it ends [tokens]; empty where unknown
    record Size(int prompt, int answer, int[] rounds) {
        int total() {
            return prompt + answer;
        }
    }

    /// Messages that fit, but for the answer's tail.
    ///
    /// @param historyTurns earlier messages left out
    /// @param shortened    messages that lost their middle
    record Fitted(List<ChatMessage> messages, int historyTurns, int shortened) {}

    ChatFitter(Tokenizer tokenizer, int cutoff) {
        this.tokenizer = tokenizer;
        this.cutoff = cutoff;
    }

    /// Shortens a conversation.
    ///
    /// @return empty where not even a shortened question with the beginning of an answer fits
    Optional<Fitted> fit(List<ChatMessage> messages, Measure measure) {
        Size whole = measure.of(messages);
        if (whole.total() <= cutoff) {
            return Optional.of(new Fitted(messages, 0, 0));
        }
        List<ChatMessage> recent = withoutHistory(messages, whole, measure);
        int history = messages.size() - recent.size();
        Size size = measure.of(recent);
        if (size.total() <= cutoff) {
            return Optional.of(new Fitted(recent, history, 0));
        }
        // The answer may need half of the row; a long prompt is not shortened below the other half for its sake.
        int promptGoal = Math.max(cutoff - size.answer(), Math.min(size.prompt(), cutoff / 2));
        List<ChatMessage> shorter = shorten(recent, measure, promptGoal, false);
        int left = cutoff - measure.of(shorter).prompt();
        int needed = Math.min(size.answer(), KEPT);
        if (left < needed) {
            shorter = shorten(shorter, measure, cutoff - needed, true);
            left = cutoff - measure.of(shorter).prompt();
        }
        if (left < needed) {
            return Optional.empty();
        }
        return Optional.of(new Fitted(shorter, history, changed(recent, shorter)));
    }

    private static int changed(List<ChatMessage> before, List<ChatMessage> after) {
        int changed = 0;
        for (int i = 0; i < before.size(); i++) {
            changed += before.get(i).content().equals(after.get(i).content()) ? 0 : 1;
        }
        return changed;
    }

    /// Without as many of the oldest questions, each with all that follows up to the next, as needed; the last
    /// one always stays.
    private List<ChatMessage> withoutHistory(List<ChatMessage> messages, Size whole, Measure measure) {
        List<Integer> questions = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).role().equals("user")) {
                questions.add(i);
            }
        }
        if (questions.size() < 2) {
            return messages;
        }
        int last = questions.size() - 1;
        int least = estimate(whole, last);
        while (least > 1 && fits(messages, questions, least - 1, measure)) {
            least--;
        }
        while (least < last && !fits(messages, questions, least, measure)) {
            least++;
        }
        return from(messages, questions, least);
    }

    /// How many questions to leave out, if each takes away as many tokens as it has in the whole.
    private int estimate(Size whole, int last) {
        if (whole.rounds().length != last) {
            return last;
        }
        int first = whole.rounds()[0];
        for (int dropped = 1; dropped <= last; dropped++) {
            // What stands before the first question stays; it is part of the first round here.
            if (whole.total() - (whole.rounds()[dropped - 1] - first) <= cutoff) {
                return dropped;
            }
        }
        return last;
    }

    private boolean fits(List<ChatMessage> messages, List<Integer> questions, int dropped, Measure measure) {
        return measure.of(from(messages, questions, dropped)).total() <= cutoff;
    }

    private static List<ChatMessage> from(List<ChatMessage> messages, List<Integer> questions, int question) {
        List<ChatMessage> kept = new ArrayList<>(messages.subList(0, questions.getFirst()));
        kept.addAll(messages.subList(questions.get(question), messages.size()));
        return kept;
    }

    /// Takes the middle out of the longest texts until the prompt has no more than `goal` tokens, or they can't
    /// get shorter.
    private List<ChatMessage> shorten(List<ChatMessage> messages, Measure measure, int goal, boolean system) {
        List<ChatMessage> shorter = new ArrayList<>(messages);
        // Where two halves meet, tokens may form that were not counted: a few rounds settle it.
        for (int round = 0; round < 4; round++) {
            int over = measure.of(shorter).prompt() - goal;
            if (over <= 0) {
                break;
            }
            int[] lengths = new int[shorter.size()];
            for (int i = 0; i < lengths.length; i++) {
                lengths[i] = mayShrink(shorter.get(i), system)
                        ? length(shorter.get(i).content())
                        : 0;
            }
            int level = level(lengths, over);
            for (int i = 0; i < lengths.length; i++) {
                if (lengths[i] > Math.max(level, KEPT)) {
                    ChatMessage message = shorter.get(i);
                    shorter.set(
                            i,
                            new ChatMessage(
                                    message.role(),
                                    withoutMiddle(message.content(), Math.max(level, KEPT)),
                                    message.fields()));
                }
            }
        }
        return shorter;
    }

    private static boolean mayShrink(ChatMessage message, boolean system) {
        return switch (message.role()) {
            case "assistant" -> false;
            case "system" -> system;
            default -> true;
        };
    }

    /// The highest level that cutting all lengths down to takes at least `over` away.
    private static int level(int[] lengths, int over) {
        int low = 0;
        int high = 0;
        for (int length : lengths) {
            high = Math.max(high, length);
        }
        while (low < high) {
            int middle = (low + high + 1) / 2;
            long taken = 0;
            for (int length : lengths) {
                taken += Math.max(0, length - middle);
            }
            if (taken >= over) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    private int length(String text) {
        return tokenizer.encodePlain(text).length;
    }

    /// A text's first and last tokens, `kept` in all, at places where a token and a character end together.
    private String withoutMiddle(String text, int kept) {
        Encoding tokens = tokenizer.encodePlainWithOffsets(text);
        int head = boundary(tokens, (kept + 1) / 2, -1);
        int tail = boundary(tokens, tokens.ids().length - kept / 2, 1);
        int headEnd = head == 0 ? 0 : tokens.ends()[head - 1];
        int tailStart = tail >= tokens.ids().length ? text.length() : tokens.starts()[tail];
        return tailStart <= headEnd ? text : text.substring(0, headEnd) + text.substring(tailStart);
    }

    /// The nearest token in a direction that begins where the one before ends.
    private static int boundary(Encoding tokens, int at, int direction) {
        int token = at;
        while (token > 0 && token < tokens.ids().length && tokens.starts()[token] < tokens.ends()[token - 1]) {
            token += direction;
        }
        return token;
    }
}
