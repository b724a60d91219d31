package dev.lingyu.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Watches a stream of text for stop texts and lets nothing out that could still become one.
///
/// The text ends where the first stop text is completed (of several completed by the same character, the
/// longest) and is cut before it; so the result does not depend on how the text was split into pieces. What
/// is held back is the longest end of the text that begins a stop text. One Knuth–Morris–Pratt automaton per
/// stop text: a character costs the same however long the text is.
public final class StopStrings {
    private final List<Automaton> automata = new ArrayList<>();
    private final StringBuilder held = new StringBuilder();
    private Optional<String> match = Optional.empty();
    private long released;

    /// A watcher for these texts; none lets everything through.
    ///
    /// @throws SamplingException when one is empty
    public StopStrings(List<String> stops) {
        for (String stop : stops) {
            SamplingChecks.stop(stop);
            automata.add(new Automaton(stop));
        }
    }

    /// Takes the next piece of text and returns what is now certain to be part of the answer; empty after a
    /// match.
    public String add(String piece) {
        for (int i = 0; i < piece.length() && match.isEmpty(); i++) {
            held.append(piece.charAt(i));
            advance(piece.charAt(i));
        }
        return match.isPresent() ? "" : release(held.length() - possibleBeginning());
    }

    /// Whether a stop text has been completed: the answer is over.
    public boolean matched() {
        return match.isPresent();
    }

    /// The stop text that ended the answer.
    public Optional<String> match() {
        return match;
    }

    /// Says that no text follows; returns what was held back, which after a match is the answer's last part.
    public String finish() {
        return release(held.length());
    }

    /// Characters (UTF-16 units) returned so far; after [#finish()] the length of the answer.
    public long length() {
        return released;
    }

    private void advance(char next) {
        int longest = 0;
        for (Automaton automaton : automata) {
            if (automaton.advance(next) && automaton.stop.length() > longest) {
                longest = automaton.stop.length();
                match = Optional.of(automaton.stop);
            }
        }
        if (longest > 0) {
            held.setLength(held.length() - longest);
        }
    }

    private int possibleBeginning() {
        int longest = 0;
        for (Automaton automaton : automata) {
            longest = Math.max(longest, automaton.matched);
        }
        // Half an emoji is no text.
        boolean half = !held.isEmpty() && Character.isHighSurrogate(held.charAt(held.length() - 1));
        return half ? Math.max(longest, 1) : longest;
    }

    private String release(int length) {
        String text = held.substring(0, length);
        held.delete(0, length);
        released += length;
        return text;
    }

    /// How much of a stop text the end of the stream matches.
    private static final class Automaton {
        private final String stop;
        // failure[i]: length of the longest proper prefix of the stop text that ends its first i + 1 characters.
        private final int[] failure;
        private int matched;

        Automaton(String stop) {
            this.stop = stop;
            this.failure = new int[stop.length()];
            for (int i = 1, length = 0; i < stop.length(); i++) {
                length = extend(length, stop.charAt(i));
                failure[i] = length;
            }
        }

        boolean advance(char next) {
            matched = extend(matched, next);
            return matched == stop.length();
        }

        private int extend(int length, char next) {
            int matching = length;
            while (matching > 0 && stop.charAt(matching) != next) {
                matching = failure[matching - 1];
            }
            return stop.charAt(matching) == next ? matching + 1 : matching;
        }
    }
}
