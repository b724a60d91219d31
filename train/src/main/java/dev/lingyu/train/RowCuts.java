package dev.lingyu.train;

import java.util.ArrayList;
import java.util.List;

/// What did not fit into rows of `cutoff_len` tokens, or gave nothing to learn.
///
/// @param historyTurns earlier turns left out
/// @param shortened    turns that lost their middle
/// @param answers      answers that lost their tail
/// @param dropped      rows without anything to learn
public record RowCuts(long historyTurns, long shortened, long answers, long dropped) {
    /// Nothing was cut.
    public static final RowCuts NONE = new RowCuts(0, 0, 0, 0);

    static final RowCuts DROPPED = new RowCuts(0, 0, 0, 1);

    /// Both together.
    public RowCuts plus(RowCuts other) {
        return new RowCuts(
                historyTurns + other.historyTurns,
                shortened + other.shortened,
                answers + other.answers,
                dropped + other.dropped);
    }

    /// In words: `120 earlier turns left out, 3 answers cut`; empty where there is nothing to say.
    public String words() {
        List<String> words = new ArrayList<>();
        add(words, historyTurns, "earlier turn", "left out");
        add(words, shortened, "long turn", "shortened in the middle");
        add(words, answers, "answer", "cut at the end");
        add(words, dropped, "row", "without anything to learn dropped");
        return String.join(", ", words);
    }

    private static void add(List<String> words, long count, String what, String how) {
        if (count > 0) {
            words.add(count + " " + what + (count == 1 ? " " : "s ") + how);
        }
    }
}
