package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What reading one dataset has come to so far.
///
/// @param dataset its name or path
/// @param rows rows seen
/// @param examples rows that became examples
/// @param skipped bad rows that were skipped, [BadRows#SKIP]
/// @param unusable valid rows that can't be learned from, left out under either policy: turns that don't
///                 alternate, a
///     last answer that is missing, an unknown speaker
/// @param left the first rows left out for either reason, at most [#LISTED] of them
/// @param notices sentences for the user: the layout that was recognised, files left out
/// @param quarantine the file with all rows left out, once the stream is closed, if one was asked for
public record ReadReport(
        String dataset,
        long rows,
        long examples,
        long skipped,
        long unusable,
        List<BadRow> left,
        List<String> notices,
        Optional<Path> quarantine) {
    /// How many rows left out are listed.
    public static final int LISTED = 1000;

    public ReadReport {
        requireNonNull(dataset, "dataset");
        requireNonNull(quarantine, "quarantine");
        left = List.copyOf(left);
        notices = List.copyOf(notices);
    }

    /// One sentence: `oasst: 993 examples from 1000 rows, 7 left out (first: …)`.
    public String sentence() {
        StringBuilder words = new StringBuilder();
        words.append(dataset)
                .append(": ")
                .append(examples)
                .append(" examples from ")
                .append(rows)
                .append(" rows");
        if (!left.isEmpty()) {
            BadRow first = left.getFirst();
            words.append(", ")
                    .append(skipped + unusable)
                    .append(" left out: ")
                    .append(skipped)
                    .append(" bad, ");
            words.append(unusable)
                    .append(" unusable (first: ")
                    .append(first.source())
                    .append(": ");
            words.append(first.reason()).append(')');
        }
        return words.toString();
    }
}
