package dev.lingyu.tensor;

import java.util.LinkedHashMap;
import java.util.Map;

/// Where a step's time goes: each [#end] books the time since the one before it under a name.
///
/// Off unless switched on, then for all threads of the process: one thread at a time may be timed. Meaningful where
/// operations finish before they return, as on CPUs.
public final class Laps {
    private static volatile boolean on;
    private static final Map<String, Long> NANOS = new LinkedHashMap<>();
    private static long last;

    private Laps() {}

    /// Starts from nothing.
    public static void start() {
        NANOS.clear();
        on = true;
        last = System.nanoTime();
    }

    /// Books the time since the last call.
    public static void end(String part) {
        if (on) {
            long now = System.nanoTime();
            NANOS.merge(part, now - last, Long::sum);
            last = now;
        }
    }

    /// What was booked [s], in order of first appearance; nothing is timed from here on.
    public static Map<String, Double> stop() {
        on = false;
        Map<String, Double> seconds = new LinkedHashMap<>();
        NANOS.forEach((part, nanos) -> seconds.put(part, nanos / 1e9));
        return seconds;
    }
}
