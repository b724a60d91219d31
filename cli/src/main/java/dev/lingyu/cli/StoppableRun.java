package dev.lingyu.cli;

import dev.lingyu.train.TrainConfig;
import dev.lingyu.train.Trainer;
import dev.lingyu.train.TrainingListener;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// A training run that ends well when the process is asked to: SIGTERM (or Ctrl-C) lets the current step
/// finish and a checkpoint be written, and the process ends with 0.
final class StoppableRun {
    private static final long SAVE_SECONDS = 300;

    private StoppableRun() {}

    static Trainer.Result run(TrainConfig config, TrainingListener listener) throws IOException {
        Trainer trainer = new Trainer(config, listener);
        CountDownLatch done = new CountDownLatch(1);
        Thread hook = new Thread(() -> {
            trainer.requestStop();
            try {
                if (done.await(SAVE_SECONDS, TimeUnit.SECONDS)) {
                    System.out.flush();
                    // A JVM that was signalled would end with 128 + the signal's number: it did what it was
                    // asked.
                    Runtime.getRuntime().halt(0);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return trainer.run();
        } finally {
            done.countDown();
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException alreadyEnding) {
                // The hook is running: it ends the process. Waiting here keeps errors from overtaking it.
                waitForTheEnd();
            }
        }
    }

    private static void waitForTheEnd() {
        try {
            Thread.sleep(TimeUnit.SECONDS.toMillis(SAVE_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
