package dev.lingyu.dataset;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/// The name that somebody probably meant.
final class NearName {
    private NearName() {}

    /// The candidate with the fewest edits, if they are few for a name of this length, or the one it is a part
    /// of.
    public static Optional<String> of(String name, Collection<String> candidates) {
        String wanted = name.toLowerCase(Locale.ROOT);
        Optional<String> best = Optional.empty();
        int fewest = Math.max(1, wanted.length() / 3) + 1;
        for (String candidate : candidates) {
            String other = candidate.toLowerCase(Locale.ROOT);
            boolean part = wanted.length() >= 4 && (other.startsWith(wanted) || wanted.startsWith(other + "."));
            int edits = part ? 1 : edits(wanted, other);
            if (edits < fewest) {
                fewest = edits;
                best = Optional.of(candidate);
            }
        }
        return best;
    }

    /// Levenshtein's distance.
    private static int edits(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(change, Math.min(previous[j], current[j - 1]) + 1);
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
