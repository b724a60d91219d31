package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

    @Test
    void everyRowIsDoneOnceAndFewStayOnTheCallingThread() {
        Workers workers = new Workers(3);
        for (int rows : new int[] {0, 1, 5, 100, 1_000}) {
            AtomicIntegerArray done = new AtomicIntegerArray(rows);
            Set<Thread> threads = ConcurrentHashMap.newKeySet();
            workers.share(rows, 1_000, (part, row) -> {
                assertThat(part).isBetween(0, 2);
                threads.add(Thread.currentThread());
                done.incrementAndGet((int) row);
            });
            for (int row = 0; row < rows; row++) {
                assertThat(done.get(row)).isOne();
            }
            if (rows > 0 && rows <= 5) {
                assertThat(threads).containsExactly(Thread.currentThread());
            }
        }
    }

    @Test
    void scratchMemoryIsKeptUnlessItIsLargeAndEachThreadHasItsOwn() throws InterruptedException {
        try (Scope scope = Scope.open()) {
            long first = Scratch.address(1_000);
            long before = Tensor.liveCount();
            assertThat(Scratch.address(500)).isEqualTo(first);
            assertThat(Tensor.liveCount()).isEqualTo(before);
            Scratch.address(2 << 20);
            assertThat(Tensor.liveCount()).isEqualTo(before + 1);
            assertThat(Scratch.address(1_000)).isEqualTo(first);

            AtomicLong others = new AtomicLong();
            Thread other = new Thread(() -> others.set(Scratch.address(1_000)));
            other.start();
            other.join();
            assertThat(others.get()).isNotZero().isNotEqualTo(first);
        }
    }
}
