package dev.lingyu.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// One sequence as the model sees it, or several documents packed into one row that do not see each other.
///
/// @param ids     tokens
/// @param labels  for each position the token that should stand there, or [#IGNORE] where no loss is taken; the
///                first of each document is never predicted
/// @param lengths tokens per document; their sum is `ids.length`
public record TrainingRow(int[] ids, int[] labels, int[] lengths) {
    /// The label of a position without loss, as in PyTorch's cross-entropy.
    public static final int IGNORE = -100;

    public TrainingRow {
        if (ids.length != labels.length) {
            throw new IllegalArgumentException(
                    "One label for each id: " + ids.length + " ids, " + labels.length + " labels.");
        }
        if (Arrays.stream(lengths).sum() != ids.length) {
            throw new IllegalArgumentException("The documents' lengths " + Arrays.toString(lengths)
                    + " do not add up to " + ids.length + " tokens.");
        }
    }

    /// A row of one document.
    public TrainingRow(int[] ids, int[] labels) {
        this(ids, labels, new int[] {ids.length});
    }

    /// A row that is trained on everywhere.
    public static TrainingRow all(int[] ids) {
        return new TrainingRow(ids, ids);
    }

    /// Several documents as one row.
    public static TrainingRow packed(List<TrainingRow> documents) {
        return new TrainingRow(
                documents.stream().flatMapToInt(d -> Arrays.stream(d.ids)).toArray(),
                documents.stream().flatMapToInt(d -> Arrays.stream(d.labels)).toArray(),
                documents.stream().flatMapToInt(d -> Arrays.stream(d.lengths)).toArray());
    }

    /// The documents as rows of their own.
    public List<TrainingRow> documents() {
        if (lengths.length == 1) {
            return List.of(this);
        }
        List<TrainingRow> documents = new ArrayList<>();
        int from = 0;
        for (int length : lengths) {
            documents.add(new TrainingRow(
                    Arrays.copyOfRange(ids, from, from + length), Arrays.copyOfRange(labels, from, from + length)));
            from += length;
        }
        return documents;
    }

    /// How many positions are predicted.
    public int labelCount() {
        int count = 0;
        int from = 0;
        for (int length : lengths) {
            for (int i = from + 1; i < from + length; i++) {
                count += labels[i] == IGNORE ? 0 : 1;
            }
            from += length;
        }
        return count;
    }
}
