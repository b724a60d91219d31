package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong(5_000_000_000L);

    @Test
    void withoutATerminalALineComesEveryTenSecondsWithTheTimeLeft() {
        try (Progress progress = start()) {
            for (int step = 1; step <= 400; step++) {
                progress.say("loss " + step);
                nanos.addAndGet(100_000_000L);
                progress.advance(1);
            }
        }
        assertThat(lines())
                .containsExactly(
                        "pretrain: 100 of 400 steps (25 %), loss 100, 0:10, about 0:30 left",
                        "pretrain: 200 of 400 steps (50 %), loss 200, 0:20, about 0:20 left",
                        "pretrain: 300 of 400 steps (75 %), loss 300, 0:30, about 0:10 left",
                        "pretrain: 400 of 400 steps (100 %), loss 400, 0:40");
    }

    @Test
    void aShortTaskLeavesOneLineAndOneThatStoppedEarlySaysHowFarItCame() {
        try (Progress progress = start()) {
            progress.advance(3);
        }
        assertThat(lines()).containsExactly("pretrain: 3 of 400 steps (0 %), 0:00");
    }

    private Progress start() {
        return Progress.plain(
                "pretrain", "steps", 400, new PrintStream(written, true, StandardCharsets.UTF_8), nanos::get);
    }

    private List<String> lines() {
        return written.toString(StandardCharsets.UTF_8).lines().toList();
    }
}
