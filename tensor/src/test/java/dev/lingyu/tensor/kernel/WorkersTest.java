package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class WorkersTest {
    @Test
    void everyShareOfEveryJobIsDoneOnce() {
        Workers workers = new Workers(3);
        for (int job = 0; job < 2_000; job++) {
            AtomicIntegerArray done = new AtomicIntegerArray(3);
            workers.run((part, parts) -> {
                assertThat(parts).isEqualTo(3);
                done.incrementAndGet(part);
            });
            assertThat(done.toString()).isEqualTo("[1, 1, 1]");
        }
    }

    @Test
    void workersThatFellAsleepWakeUp() {
        Workers workers = new Workers(2);
        AtomicLong sum = new AtomicLong();
        for (int job = 0; job < 20; job++) {
            LockSupport.parkNanos(5_000_000);
            workers.run((part, parts) -> sum.addAndGet(part + 1));
        }
        assertThat(sum.get()).isEqualTo(60);
    }

    @Test
    void aFailureInAnyShareReachesTheCallerAndTheNextJobRuns() {
        Workers workers = new Workers(2);
        for (int failing = 0; failing < 2; failing++) {
            int share = failing;
            assertThatThrownBy(() -> workers.run((part, parts) -> {
                        if (part == share) {
                            throw new IllegalStateException("share " + share);
                        }
                    }))
                    .hasMessage("share " + share);
        }
        AtomicLong sum = new AtomicLong();
        workers.run((part, parts) -> sum.addAndGet(1));
        assertThat(sum.get()).isEqualTo(2);
    }
}
