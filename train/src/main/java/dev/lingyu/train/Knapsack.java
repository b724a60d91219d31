package dev.lingyu.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Packs rows into rows of at most `cutoff_len` tokens: the longest that fits goes in first, as in
/// LLaMA-Factory's greedy knapsack, among the rows of one window of the dataset.
final class Knapsack {
    /// Rows that are looked at together: LLaMA-Factory's `preprocessing_batch_size`.
    static final int WINDOW = 1000;

    private Knapsack() {}

    /// Packs a window.
    ///
    /// @param rows each of at most `capacity` tokens
    static List<TrainingRow> pack(List<TrainingRow> rows, int capacity) {
        TreeMap<Integer, List<TrainingRow>> byLength = new TreeMap<>();
        for (TrainingRow row : rows) {
            byLength.computeIfAbsent(row.ids().length, length -> new ArrayList<>())
                    .add(row);
        }
        List<TrainingRow> packed = new ArrayList<>();
        while (!byLength.isEmpty()) {
            List<TrainingRow> bin = new ArrayList<>();
            int room = capacity;
            for (Map.Entry<Integer, List<TrainingRow>> fits = byLength.floorEntry(room);
                    fits != null;
                    fits = byLength.floorEntry(room)) {
                List<TrainingRow> equals = fits.getValue();
                bin.add(equals.removeLast());
                if (equals.isEmpty()) {
                    byLength.remove(fits.getKey());
                }
                room -= fits.getKey();
            }
            packed.add(TrainingRow.packed(bin));
        }
        return packed;
    }
}
