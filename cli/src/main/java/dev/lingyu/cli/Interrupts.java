package dev.lingyu.cli;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/// Ctrl-C stops what is being done; where nothing is being done, it ends the program as usual.
final class Interrupts implements AutoCloseable {
    private static final Signal CTRL_C = new Signal("INT");

    private final BooleanSupplier stop;
    private volatile @Nullable SignalHandler before;

    private Interrupts(BooleanSupplier stop) {
        this.stop = stop;
    }

    /// Listens until closed.
    ///
    /// @param stop stops what is being done; false when there is nothing to stop
    static Interrupts listen(BooleanSupplier stop) {
        Interrupts interrupts = new Interrupts(stop);
        try {
            interrupts.before = Signal.handle(CTRL_C, interrupts::hear);
        } catch (IllegalArgumentException taken) {
            // With -Xrs the JVM leaves signals alone: Ctrl-C then ends the program.
            return interrupts;
        }
        return interrupts;
    }

    private void hear(Signal signal) {
        SignalHandler usual = before;
        if (stop.getAsBoolean() || usual == null) {
            return;
        }
        try {
            usual.handle(signal);
        } catch (UnsupportedOperationException ignored) {
            // The shell that started us asked for Ctrl-C to be ignored.
            return;
        }
    }

    @Override
    public void close() {
        SignalHandler usual = before;
        if (usual != null) {
            Signal.handle(CTRL_C, usual);
        }
    }
}
