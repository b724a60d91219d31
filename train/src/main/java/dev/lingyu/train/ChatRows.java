package dev.lingyu.train;

import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.LabelledExample;
import dev.lingyu.dataset.Message;
import dev.lingyu.dataset.PreferencePair;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatMessage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Conversations to rows of at most `cutoff_len` tokens, for every stage that learns from conversations.
///
/// Labels stand on what the assistant wrote, up to the token that ends its answer; an answer without text gets
/// none. Whatever is cut is counted. Safe for many threads.
public final class ChatRows {
    private final ChatEncoder encoder;
    private final RowOptions options;
    private final ChatFitter fitter;

    /// What became of an example.
    ///
    /// @param row  empty where nothing would be learned from it
    /// @param cuts what had to be left out
    public record Made<R>(Optional<R> row, RowCuts cuts) {
        static <R> Made<R> dropped() {
            return new Made<>(Optional.empty(), RowCuts.DROPPED);
        }
    }

    public ChatRows(ChatEncoder encoder, RowOptions options) {
        this.encoder = encoder;
        this.options = options;
        this.fitter = new ChatFitter(encoder.tokenizer(), options.cutoff());
    }

    /// A conversation with labels on its answers.
    public Made<TrainingRow> conversation(Conversation conversation) {
        Encodings e = new Encodings(encoderFor(conversation));
        List<ChatMessage> messages = ChatMessages.of(conversation);
        Optional<ChatFitter.Fitted> fitted = fitter.fit(messages, talk -> size(e.training(talk), talk));
        if (fitted.isEmpty()) {
            return Made.dropped();
        }
        Labelled row = labelled(e, fitted.get().messages(), options);
        return row.row().labelCount() == 0 ? Made.dropped() : made(row.row(), fitted.get(), row.cut() ? 1 : 0);
    }

    /// A prompt with two answers. What is cut of the prompt is cut for both alike; of the answers each loses only
    /// its own tail.
    public Made<PreferenceRow> preference(PreferencePair pair) {
        Encodings e = new Encodings(encoderFor(pair.prompt()));
        List<ChatMessage> chosen = ChatMessages.of(pair.prompt().plus(pair.chosen()));
        ChatMessage rejected =
                ChatMessages.of(pair.prompt().plus(pair.rejected())).getLast();
        Optional<ChatFitter.Fitted> fitted = fitter.fit(chosen, talk -> {
            List<ChatMessage> other = ChatMessages.withLast(talk, rejected);
            return longer(size(e.training(talk), talk), size(e.training(other), other));
        });
        if (fitted.isEmpty()) {
            return Made.dropped();
        }
        List<ChatMessage> talk = fitted.get().messages();
        RowOptions last = new RowOptions(options.cutoff(), false, true);
        Labelled better = labelled(e, talk, last);
        Labelled worse = labelled(e, ChatMessages.withLast(talk, rejected), last);
        if (better.row().labelCount() == 0 || worse.row().labelCount() == 0) {
            return Made.dropped();
        }
        int prompt = Math.min(better.promptLength(), worse.promptLength());
        return made(
                new PreferenceRow(better.row(), worse.row(), prompt),
                fitted.get(),
                (better.cut() ? 1 : 0) + (worse.cut() ? 1 : 0));
    }

    /// What both answers to one prompt need.
    private static ChatFitter.Size longer(ChatFitter.Size one, ChatFitter.Size two) {
        return new ChatFitter.Size(
                Math.max(one.prompt(), two.prompt()), Math.max(one.answer(), two.answer()), one.rounds());
    }

    /// Conversations of one example as ids, each encoded once.
    private static final class Encodings {
        private final ChatEncoder encoder;
        private final Map<List<ChatMessage>, ChatEncoder.EncodedChat> known = new HashMap<>();

        Encodings(ChatEncoder encoder) {
            this.encoder = encoder;
        }

        ChatEncoder.EncodedChat training(List<ChatMessage> messages) {
            return known.computeIfAbsent(List.copyOf(messages), encoder::training);
        }
    }

    /// A prompt to be continued; the answer that the dataset has for it goes along.
    public Made<PromptRow> prompt(Conversation prompt, Optional<Message> answer) {
        ChatEncoder e = encoderFor(prompt);
        List<ChatMessage> messages = ChatMessages.of(prompt);
        Optional<ChatFitter.Fitted> fitted =
                fitter.fit(messages, talk -> new ChatFitter.Size(e.prompt(talk).length, 0, new int[0]));
        if (fitted.isEmpty()) {
            return Made.dropped();
        }
        List<ChatMessage> talk = fitted.get().messages();
        int[] ids = e.prompt(talk);
        int[] said = new int[0];
        if (answer.isPresent()) {
            ChatEncoder.EncodedChat whole = e.training(ChatMessages.of(prompt.plus(answer.get())));
            said = lastAnswer(whole);
        }
        return made(new PromptRow(ids, Arrays.copyOf(said, Math.min(said.length, options.cutoff()))), fitted.get(), 0);
    }

    /// A judged answer, and the same prompt with the answer of another row.
    ///
    /// @param other what the row before answered; empty leaves the mismatch out
    public Made<FeedbackRow> feedback(LabelledExample example, Optional<Message> other) {
        RowOptions last = new RowOptions(options.cutoff(), false, true);
        ChatRows rows = new ChatRows(encoder, last);
        Made<TrainingRow> own = rows.conversation(example.conversation());
        if (own.row().isEmpty()) {
            return Made.dropped();
        }
        Optional<TrainingRow> mismatch = other.flatMap(answer -> rows.conversation(
                        example.conversation().withoutAnswer().plus(answer))
                .row());
        return new Made<>(Optional.of(new FeedbackRow(own.row().get(), example.desirable(), mismatch)), own.cuts());
    }

    private ChatEncoder encoderFor(Conversation conversation) {
        return conversation
                .tools()
                .map(json -> encoder.with("tools", ChatMessages.tools(json)))
                .orElse(encoder);
    }

    private static <R> Made<R> made(R row, ChatFitter.Fitted fitted, int cutAnswers) {
        return new Made<>(Optional.of(row), new RowCuts(fitted.historyTurns(), fitted.shortened(), cutAnswers, 0));
    }

    /// @param cut          whether its last answer lost its tail
    /// @param promptLength the tokens before its last answer
    private record Labelled(TrainingRow row, boolean cut, int promptLength) {}

    private Labelled labelled(Encodings e, List<ChatMessage> messages, RowOptions how) {
        ChatEncoder.EncodedChat chat = e.training(messages);
        boolean[] learned = learned(messages, how.maskHistory());
        int[] labels = new int[chat.ids().length];
        for (int i = 0; i < labels.length; i++) {
            int answer = chat.answers()[i];
            boolean label = answer >= 0 ? learned[answer] : how.trainOnPrompt();
            labels[i] = label ? chat.ids()[i] : TrainingRow.IGNORE;
        }
        if (!how.trainOnPrompt()) {
            endEarlierAnswers(chat, labels, learned);
        }
        int length = Math.min(labels.length, how.cutoff());
        boolean cut = length < endOfAnswers(chat);
        TrainingRow row = new TrainingRow(Arrays.copyOf(chat.ids(), length), Arrays.copyOf(labels, length));
        return new Labelled(row, cut, Math.min(length, startOfLastAnswer(chat)));
    }

    /// Which answers have anything to learn.
    private static boolean[] learned(List<ChatMessage> messages, boolean lastOnly) {
        List<ChatMessage> answers =
                messages.stream().filter(m -> m.role().equals("assistant")).toList();
        boolean[] learned = new boolean[answers.size()];
        for (int i = 0; i < learned.length; i++) {
            learned[i] = !ChatMessages.isEmpty(answers.get(i)) && (!lastOnly || i == learned.length - 1);
        }
        return learned;
    }

    /// Where a template gives only the last answer an end token (GLM, Baichuan), an earlier one ends with what
    /// begins the next question; there the model should say the end token instead.
    private void endEarlierAnswers(ChatEncoder.EncodedChat chat, int[] labels, boolean[] learned) {
        OptionalInt end = encoder.tokenizer().eosTokenId();
        int last = endOfAnswers(chat) - 1;
        if (end.isEmpty() || last < 0 || chat.ids()[last] != end.getAsInt()) {
            return;
        }
        for (int i = 1; i < labels.length; i++) {
            int answer = chat.answers()[i - 1];
            boolean behind = answer >= 0 && chat.answers()[i] != answer;
            if (behind && i <= last && learned[answer] && chat.ids()[i - 1] != end.getAsInt()) {
                labels[i] = end.getAsInt();
            }
        }
    }

    private static int endOfAnswers(ChatEncoder.EncodedChat chat) {
        int end = chat.answers().length;
        while (end > 0 && chat.answers()[end - 1] < 0) {
            end--;
        }
        return end;
    }

    private static int startOfLastAnswer(ChatEncoder.EncodedChat chat) {
        int at = endOfAnswers(chat);
        int answer = at == 0 ? -1 : chat.answers()[at - 1];
        while (at > 0 && chat.answers()[at - 1] == answer) {
            at--;
        }
        return at;
    }

    private static int[] lastAnswer(ChatEncoder.EncodedChat chat) {
        return Arrays.copyOfRange(chat.ids(), startOfLastAnswer(chat), endOfAnswers(chat));
    }

    /// What the assistant wrote since the last question counts as answer, all else as prompt.
    private static ChatFitter.Size size(ChatEncoder.EncodedChat chat, List<ChatMessage> messages) {
        List<Integer> answersBefore = new ArrayList<>();
        int answers = 0;
        for (ChatMessage message : messages) {
            if (message.role().equals("user")) {
                answersBefore.add(answers);
            } else if (message.role().equals("assistant")) {
                answers++;
            }
        }
        int[] ends = new int[answers];
        for (int i = 0; i < chat.answers().length; i++) {
            if (chat.answers()[i] >= 0) {
                ends[chat.answers()[i]] = i + 1;
            }
        }
        int first = answersBefore.isEmpty() ? 0 : answersBefore.getLast();
        int answer = (int) Arrays.stream(chat.answers()).filter(a -> a >= first).count();
        // What closes the last answer behind its end token may be cut without loss.
        int tail = chat.answers().length - endOfAnswers(chat);
        int[] rounds = answersBefore.stream()
                .skip(1)
                .mapToInt(before -> before == 0 ? 0 : ends[before - 1])
                .toArray();
        return new ChatFitter.Size(chat.ids().length - answer - tail, answer, rounds);
    }
}
