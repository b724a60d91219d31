package dev.lingyu.cli;

import java.io.Console;

/// Whether a person watches.
final class Terminal {

    private Terminal() {}

    /// True when standard output is a terminal.
    static boolean showsOutput() {
        return shows("out");
    }

    /// True when standard error is a terminal.
    static boolean showsErrors() {
        return shows("err");
    }

    private static boolean shows(String stream) {
        // The launcher asks the system; without it Java only knows about input and output together.
        String told = System.getProperty("lingyu.terminal");
        if (told != null) {
            return told.contains(stream);
        }
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
