package dev.lingyu.train;

import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.Message;
import dev.lingyu.dataset.Role;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatMessage;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Examples to token rows of at most `cutoff` tokens.
///
/// Plain text becomes blocks: documents, each with an end token behind it, are laid end to end and cut every
/// `cutoff` tokens, so nothing is thrown away. A conversation becomes one row with labels on the assistant's
/// tokens.
public final class RowBuilder {
    private final Tokenizer tokenizer;
    private final int cutoff;
    private final OptionalInt end;
    private int[] open = new int[0];
    private long dropped;
    private long truncated;

    /// @param cutoff the longest row [tokens]
    public RowBuilder(Tokenizer tokenizer, int cutoff) {
        this.tokenizer = tokenizer;
        this.cutoff = cutoff;
        this.end = tokenizer.eosTokenId();
    }

    /// Rows that a text completes.
    public List<TrainingRow> addText(String text) {
        int[] ids = tokenizer.encodeWithSpecialTokens(text);
        int extra = end.isPresent() ? 1 : 0;
        int[] all = Arrays.copyOf(open, open.length + ids.length + extra);
        System.arraycopy(ids, 0, all, open.length, ids.length);
        if (extra == 1) {
            all[all.length - 1] = end.getAsInt();
        }
        List<TrainingRow> rows = new ArrayList<>();
        int at = 0;
        for (; all.length - at >= cutoff; at += cutoff) {
            rows.add(TrainingRow.all(Arrays.copyOfRange(all, at, at + cutoff)));
        }
        open = Arrays.copyOfRange(all, at, all.length);
        return rows;
    }

    /// The last, shorter row of the texts so far.
    public Optional<TrainingRow> finishTexts() {
        int[] rest = open;
        open = new int[0];
        return rest.length < 2 ? Optional.empty() : Optional.of(TrainingRow.all(rest));
    }

    /// A conversation as a row; empty where nothing would be learned from it.
    ///
    /// A conversation that is too long loses its oldest turns first, never the last question; then the
    /// answer's tail. An answer that is cut gets no end token, so that nobody learns to stop in the middle of
    /// a sentence.
    public Optional<TrainingRow> conversation(Conversation conversation, ChatEncoder encoder) {
        List<ChatMessage> messages = messages(conversation);
        int system = !messages.isEmpty() && messages.getFirst().role().equals("system") ? 1 : 0;
        ChatEncoder.EncodedChat chat = encoder.training(messages);
        while (chat.ids().length > cutoff && messages.size() - system > 2) {
            messages.subList(system, Math.min(system + 2, messages.size() - 2)).clear();
            chat = encoder.training(messages);
            truncated++;
        }
        int length = chat.ids().length;
        if (length > cutoff) {
            truncated++;
            length = cutoff;
        }
        int[] ids = Arrays.copyOf(chat.ids(), length);
        int[] labels = new int[length];
        for (int i = 0; i < length; i++) {
            labels[i] = chat.answer()[i] ? ids[i] : TrainingRow.IGNORE;
        }
        TrainingRow row = new TrainingRow(ids, labels);
        if (row.labelCount() == 0) {
            dropped++;
            return Optional.empty();
        }
        return Optional.of(row);
    }

    /// A dataset's conversation in the words of chat templates.
    public static List<ChatMessage> messages(Conversation conversation) {
        List<ChatMessage> messages = new ArrayList<>();
        conversation.system().ifPresent(text -> messages.add(ChatMessage.of("system", text)));
        for (Message message : conversation.messages()) {
            messages.add(ChatMessage.of(role(message.role()), message.content()));
        }
        return messages;
    }

    private static String role(Role role) {
        if (role.isModel()) {
            return "assistant";
        }
        return switch (role) {
            case SYSTEM -> "system";
            case OBSERVATION -> "tool";
            default -> "user";
        };
    }

    /// Conversations without anything to learn.
    public long dropped() {
        return dropped;
    }

    /// Times that something was cut off.
    public long truncated() {
        return truncated;
    }
}
