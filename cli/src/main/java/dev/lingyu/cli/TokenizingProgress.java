package dev.lingyu.cli;

import java.io.PrintStream;
import java.util.Locale;

/// Says on standard error how many examples are tokenized, where that takes longer than two seconds. How many there
/// will be, nobody knows before the files are read.
final class TokenizingProgress {
    private static final long FIRST_NANOS = 2_000_000_000L;
    private static final long EVERY_NANOS = 10_000_000_000L;

    private final PrintStream out;
    private final long begun = System.nanoTime();
    private long next = begun + FIRST_NANOS;

    TokenizingProgress(PrintStream out) {
        this.out = out;
    }

    /// @param examples read so far
    void tokenized(long examples) {
        long now = System.nanoTime();
        if (now >= next) {
            next = now + EVERY_NANOS;
            double seconds = (now - begun) / 1e9;
            out.printf(
                    Locale.ROOT,
                    "tokenizing: %,d examples in %.0f s, %,.0f a second%n",
                    examples,
                    seconds,
                    examples / seconds);
        }
    }
}
