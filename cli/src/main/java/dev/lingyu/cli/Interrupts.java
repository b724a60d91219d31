package dev.lingyu.cli;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/// Ctrl-C stops what is being done; where nothing is being done, it ends the program as usual.
final class Interrupts implements AutoCloseable {
    private static final Signal CTRL_C = new Signal("INT");
    private static final int EXIT_CODE = 130;

    private final @Nullable SignalHandler before;

    private Interrupts(@Nullable SignalHandler before) {
        this.before = before;
    }

    /// Listens until closed.
    ///
    /// @param stop stops what is being done; false when there is nothing to stop
    static Interrupts listen(BooleanSupplier stop) {
        try {
            return new Interrupts(Signal.handle(CTRL_C, signal -> {
                if (!stop.getAsBoolean()) {
                    System.exit(EXIT_CODE);
                }
            }));
        } catch (IllegalArgumentException taken) {
            // With -Xrs the JVM leaves signals alone: Ctrl-C then ends the program.
            return new Interrupts(null);
        }
    }

    @Override
    public void close() {
        if (before != null) {
            Signal.handle(CTRL_C, before);
        }
    }
}
