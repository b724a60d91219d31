package dev.lingyu.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Rows of similar length side by side, each group padded on the right to one length.
///
/// libtorch compiles a matrix product for every new shape it meets, which costs milliseconds: a batch of
/// sequences that are all of different lengths would meet hundreds. Padding behind a row has no effect,
/// because a causal model never looks ahead and padded positions carry no label; the gradients it adds are
/// exact zeros.
final class LengthGroups {
    private static final int SMALLEST_GROUP = 8;

    private LengthGroups() {}

    /// Groups rows, shortest first.
    ///
    /// @param longest never pad beyond this many tokens, unless a row is longer already
    static List<List<TrainingRow>> of(List<TrainingRow> rows, int longest) {
        if (rows.stream().anyMatch(row -> row.lengths().length > 1)) {
            return List.of(documents(rows, longest));
        }
        List<TrainingRow> sorted = new ArrayList<>(rows);
        sorted.sort(Comparator.comparingInt(row -> row.ids().length));
        List<List<TrainingRow>> groups = new ArrayList<>();
        List<TrainingRow> group = new ArrayList<>();
        for (int i = 0; i < sorted.size(); i++) {
            group.add(sorted.get(i));
            boolean last = i + 1 == sorted.size();
            boolean nextIsLonger = !last
                    && roundUp(sorted.get(i + 1).ids().length)
                            != roundUp(sorted.get(i).ids().length);
            // A handful of short rows is cheaper padded a little further than computed by itself.
            if (last || nextIsLonger && group.size() >= SMALLEST_GROUP) {
                groups.add(padded(group, longest));
                group = new ArrayList<>();
            }
        }
        return groups;
    }

    /// Packed rows are as long as each other already: their documents form one group, padded behind the last
    /// one to a round number of tokens.
    private static List<TrainingRow> documents(List<TrainingRow> rows, int longest) {
        List<TrainingRow> documents = new ArrayList<>();
        rows.forEach(row -> documents.addAll(row.documents()));
        int tokens = documents.stream().mapToInt(d -> d.ids().length).sum();
        TrainingRow last = documents.removeLast();
        int length = last.ids().length + roundUp(tokens) - tokens;
        documents.add(padded(last, length <= longest ? length : last.ids().length));
        return documents;
    }

    private static List<TrainingRow> padded(List<TrainingRow> group, int longest) {
        int widest = group.getLast().ids().length;
        int length = Math.max(widest, Math.min(roundUp(widest), longest));
        return group.stream().map(row -> padded(row, length)).toList();
    }

    private static TrainingRow padded(TrainingRow row, int length) {
        int own = row.ids().length;
        if (own == length) {
            return row;
        }
        int[] labels = Arrays.copyOf(row.labels(), length);
        Arrays.fill(labels, own, length, TrainingRow.IGNORE);
        return new TrainingRow(Arrays.copyOf(row.ids(), length), labels);
    }

    /// Steps of 8 tokens for short rows, of 32 and 64 for longer ones.
    private static int roundUp(int length) {
        int step = length <= 128 ? 8 : length <= 512 ? 32 : 64;
        return (length + step - 1) / step * step;
    }
}
