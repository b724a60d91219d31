package dev.lingyu.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/// Finds the known words nearest to a mistyped one.
final class DidYouMean {

    private DidYouMean() {}

    /// At most two of `known` that `word` may have meant, nearest first; empty when none is near.
    static List<String> among(Collection<String> known, String word) {
        int allowed = Math.max(1, word.length() / 3);
        return known.stream()
                .filter(candidate -> distance(candidate, word) <= allowed || candidate.startsWith(word))
                .sorted(Comparator.comparingInt(candidate -> distance(candidate, word)))
                .limit(2)
                .toList();
    }

    /// The number of inserted, deleted, replaced or swapped neighbouring characters between two words
    /// (Damerau 1964, the restricted form).
    static int distance(String a, String b) {
        int[][] cost = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    cost[i][j] = i + j;
                    continue;
                }
                int same = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                cost[i][j] = Math.min(cost[i - 1][j - 1] + same, Math.min(cost[i - 1][j], cost[i][j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    cost[i][j] = Math.min(cost[i][j], cost[i - 2][j - 2] + 1);
                }
            }
        }
        return cost[a.length()][b.length()];
    }
}
