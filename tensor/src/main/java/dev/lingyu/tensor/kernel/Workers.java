package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.Torch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// Threads that share each job of a kernel. Handing a job over takes about a microsecond while they are
/// awake; after some idle microseconds they sleep and cost nothing.
public final class Workers {
    /// How often an idle worker looks for work before it sleeps. Longer would take cores from libtorch's own
    /// threads.
    private static final int LOOKS = 2_000;

    /// Elements that a worker takes at once: some microseconds' work.
    private static final long SHARE = 16_384;

    private static final ThreadLocal<Boolean> ALONE = ThreadLocal.withInitial(() -> false);

    private final Worker[] others;
    private volatile int issued;
    private volatile Part job = (part, parts) -> {};
    private final AtomicInteger unfinished = new AtomicInteger();

    /// A share of a job.
    @FunctionalInterface
    public interface Part {
        /// Does share `part` of `parts`.
        void run(int part, int parts);
    }

    private static final class Shared {
        private static final Workers INSTANCE = new Workers(Torch.threads());
    }

    /// @param threads the calling thread included; the others are daemons
    Workers(int threads) {
        others = new Worker[threads - 1];
        for (int i = 0; i < others.length; i++) {
            others[i] = new Worker(i + 1);
            others[i].start();
        }
    }

    /// As many threads as libtorch uses.
    public static Workers shared() {
        return Shared.INSTANCE;
    }

    /// How many shares a job has.
    int threads() {
        return others.length + 1;
    }

    /// Does something whose jobs the calling thread does alone, all shares of each in turn, and leaves the workers to
    /// others.
    public static void alone(Runnable work) {
        ALONE.set(true);
        try {
            work.run();
        } finally {
            ALONE.remove();
            PanelMatmul.forget();
        }
    }

    /// Runs all shares of a job, one on the calling thread, and waits for them. One job at a time: callers
    /// queue.
    public void run(Part part) {
        if (ALONE.get()) {
            for (int i = 0; i <= others.length; i++) {
                part.run(i, others.length + 1);
            }
        } else {
            together(part);
        }
    }

    private synchronized void together(Part part) {
        int parts = others.length + 1;
        unfinished.set(others.length);
        job = part;
        issued++;
        for (Worker worker : others) {
            if (worker.asleep) {
                LockSupport.unpark(worker);
            }
        }
        try {
            part.run(0, parts);
        } finally {
            for (int looks = 0; unfinished.get() > 0; looks++) {
                if (looks < LOOKS) {
                    Thread.onSpinWait();
                } else {
                    // More threads than cores: a worker may need this one.
                    Thread.yield();
                }
            }
        }
        for (Worker worker : others) {
            worker.rethrow();
        }
    }

    /// A row of a job.
    @FunctionalInterface
    interface Row {
        /// @param part the worker that does it, from 0
        void run(int part, long row);
    }

    /// Runs a job row by row, each worker taking the next ones as it is done with others; what would be one worker's
    /// share stays on the calling thread, as worker 0.
    ///
    /// @param width elements of a row
    void share(long rows, long width, Row work) {
        if (rows * width <= SHARE) {
            for (long row = 0; row < rows; row++) {
                work.run(0, row);
            }
            return;
        }
        long together = Math.max(1, SHARE / width);
        AtomicLong next = new AtomicLong();
        run((part, parts) -> {
            for (long from = next.getAndAdd(together); from < rows; from = next.getAndAdd(together)) {
                for (long row = from; row < Math.min(rows, from + together); row++) {
                    work.run(part, row);
                }
            }
        });
    }

    private final class Worker extends Thread {
        private final int part;
        private volatile boolean asleep;
        private volatile Throwable failure = NONE;

        private static final Throwable NONE = new Throwable("none", null, false, false) {};

        private Worker(int part) {
            super("kernel-" + part);
            this.part = part;
            setDaemon(true);
        }

        @Override
        public void run() {
            int seen = 0;
            while (true) {
                seen = next(seen);
                try {
                    job.run(part, others.length + 1);
                } catch (Throwable e) {
                    failure = e;
                } finally {
                    unfinished.decrementAndGet();
                }
            }
        }

        private int next(int seen) {
            int looks = 0;
            while (issued == seen) {
                if (++looks < LOOKS) {
                    Thread.onSpinWait();
                } else {
                    asleep = true;
                    if (issued == seen) {
                        LockSupport.park(Workers.this);
                    }
                    asleep = false;
                    looks = 0;
                }
            }
            return issued;
        }

        private void rethrow() {
            Throwable thrown = failure;
            failure = NONE;
            if (thrown instanceof RuntimeException e) {
                throw e;
            }
            if (thrown instanceof Error e) {
                throw e;
            }
        }
    }
}
