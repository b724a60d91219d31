package dev.lingyu.cli.inspect;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Labels and what they say, printed as two columns.
final class Facts {
    private static final int SHOWN = 400;

    private record Fact(String label, String words) {}

    private final List<Fact> facts = new ArrayList<>();

    Facts add(String label, String words) {
        facts.add(new Fact(label, words));
        return this;
    }

    /// A fact that is known to one row only below the last label.
    Facts more(String words) {
        return add("", words);
    }

    /// A text of unknown length on one line: control characters as spaces, the end cut off.
    static String oneLine(String text) {
        String flat = text.strip().replaceAll("\\p{Cntrl}+", " ⏎ ");
        return flat.codePointCount(0, flat.length()) <= SHOWN
                ? flat
                : flat.substring(0, flat.offsetByCodePoints(0, SHOWN)) + " …";
    }

    /// A count with separators and, where it is large, in words: `134,515,008 (135 M)`.
    static String count(long value) {
        String exact = String.format(Locale.ROOT, "%,d", value);
        if (value < 1_000_000) {
            return exact;
        }
        return exact
                + (value < 1_000_000_000
                        ? String.format(Locale.ROOT, " (%.0f M)", value / 1e6)
                        : String.format(Locale.ROOT, " (%.2f B)", value / 1e9));
    }

    /// A size in bytes: `257 MiB`.
    static String size(long bytes) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    }

    @Override
    public String toString() {
        int width = facts.stream().mapToInt(f -> f.label().length()).max().orElse(0);
        StringBuilder lines = new StringBuilder();
        for (Fact fact : facts) {
            lines.append(fact.label())
                    .repeat(' ', width - fact.label().length() + 2)
                    .append(fact.words())
                    .append(System.lineSeparator());
        }
        return lines.toString();
    }
}
