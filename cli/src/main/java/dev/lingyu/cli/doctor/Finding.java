package dev.lingyu.cli.doctor;

/// One thing that was looked at.
///
/// @param level how good it is
/// @param words what was found and, where it isn't good, what it costs and what to do
public record Finding(Level level, String words) {

    /// How good a finding is.
    public enum Level {
        OK,
        WARNING,
        MISSING
    }

    static Finding ok(String words) {
        return new Finding(Level.OK, words);
    }

    static Finding warning(String words) {
        return new Finding(Level.WARNING, words);
    }

    static Finding missing(String words) {
        return new Finding(Level.MISSING, words);
    }
}
