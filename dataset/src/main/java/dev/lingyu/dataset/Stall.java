package dev.lingyu.dataset;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/// Interrupts the current thread when it waits too long for something that may never come. Closing it ends the
/// watch.
final class Stall implements AutoCloseable {
    private static final ScheduledExecutorService CLOCK = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("stall-watch").factory());

    private final ScheduledFuture<?> alarm;
    private volatile boolean fired;

    private Stall(Duration limit) {
        Thread waiting = Thread.currentThread();
        alarm = CLOCK.schedule(
                () -> {
                    fired = true;
                    waiting.interrupt();
                },
                limit.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    static Stall after(Duration limit) {
        return new Stall(limit);
    }

    @Override
    public void close() {
        alarm.cancel(false);
        if (fired) {
            // The interruption was for the wait that is over.
            Thread.interrupted();
        }
    }
}
