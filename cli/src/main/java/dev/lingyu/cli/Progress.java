package dev.lingyu.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/// Progress of one task on standard error: a bar where a person watches, else a line every ten seconds and
/// one at the end, so that a log stays readable. For use by one thread.
///
///     try (Progress progress = Progress.start("pretrain", "steps", 400)) {
///         for (…) { …; progress.say("loss 3.21"); progress.advance(1); }
///     }
public final class Progress implements AutoCloseable {
    private static final long LINE_EVERY_NANOS = Duration.ofSeconds(10).toNanos();

    private final String task;
    private final String unit;
    private final long total;
    private final PrintStream out;
    private final LongSupplier nanoTime;
    private final long begun;
    private final @Nullable ProgressBar bar;
    private long done;
    private long lineAt;
    private long lineFor = -1;
    private String details = "";

    private Progress(String task, String unit, long total, PrintStream out, boolean terminal, LongSupplier nanoTime) {
        this.task = task;
        this.unit = unit;
        this.total = total;
        this.out = out;
        this.nanoTime = nanoTime;
        this.begun = nanoTime.getAsLong();
        this.lineAt = begun;
        this.bar = terminal
                ? new ProgressBarBuilder()
                        .setTaskName(task)
                        .setInitialMax(total)
                        .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                        .setUpdateIntervalMillis(250)
                        .setConsumer(new ConsoleProgressBarConsumer(out))
                        .build()
                : null;
    }

    /// Begins `task`, which consists of `total` `unit` (a plural such as `steps`).
    public static Progress start(String task, String unit, long total) {
        return new Progress(task, unit, total, System.err, Terminal.showsErrors(), System::nanoTime);
    }

    static Progress plain(String task, String unit, long total, PrintStream out, LongSupplier nanoTime) {
        return new Progress(task, unit, total, out, false, nanoTime);
    }

    /// Sets what stands beside the count, such as `loss 3.21, 1834 tokens/s`.
    public void say(String details) {
        this.details = details;
        if (bar != null) {
            bar.setExtraMessage(details);
        }
    }

    /// Counts `units` more as done.
    public void advance(long units) {
        advanceTo(done + units);
    }

    /// Counts `units` in all as done: a resumed task begins where it was.
    public void advanceTo(long units) {
        done = units;
        if (bar != null) {
            bar.stepTo(units);
        } else if (nanoTime.getAsLong() - lineAt >= LINE_EVERY_NANOS) {
            line();
        }
    }

    /// Ends the task, however far it came.
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        } else if (lineFor != done) {
            line();
        }
    }

    private void line() {
        long now = nanoTime.getAsLong();
        lineAt = now;
        lineFor = done;
        StringBuilder line = new StringBuilder(task)
                .append(String.format(
                        Locale.ROOT, ": %d of %d %s (%d %%)", done, total, unit, total > 0 ? 100 * done / total : 100));
        if (!details.isEmpty()) {
            line.append(", ").append(details);
        }
        long seconds = (now - begun) / 1_000_000_000L;
        line.append(", ").append(clock(seconds));
        if (seconds > 0 && done > 0 && done < total) {
            line.append(", about ")
                    .append(clock(Math.round((double) seconds / done * (total - done))))
                    .append(" left");
        }
        out.println(line);
    }

    private static String clock(long seconds) {
        return seconds < 3600
                ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}
