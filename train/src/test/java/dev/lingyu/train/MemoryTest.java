package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.NativeMemory;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Native memory does not grow with the number of steps.
///
/// The JVM's compilers allocate from the same heap and keep a few megabytes more or less, most of it while
/// they warm up: hence the late start, the many steps, and a bound of 8 kB per step where a leak of one
/// tensor would be more.
class MemoryTest {
    private static final int WARM = 300;
    private static final int STEPS = 1000;

    @TempDir
    Path directory;

    @Test
    void nativeBytesAndOpenTensorsAreFlatOverTwoHundredSteps() throws IOException {
        Assumptions.assumeTrue(
                NativeMemory.bytesInUse().isPresent(), "Skipped: the C library has no mallinfo2 (glibc 2.33)");
        Tiny tiny = Tiny.in(directory);
        ObjectNode config = tiny.pretraining(directory.resolve("pt"))
                .put("max_steps", STEPS)
                .put("save_steps", 0)
                .put("val_size", 0);
        List<Long> bytes = new ArrayList<>();
        List<Long> tensors = new ArrayList<>();
        new Trainer(TrainConfig.of("test", config), new TrainingListener() {
                    @Override
                    public void step(StepReport report) {
                        bytes.add(NativeMemory.bytesInUse().orElseThrow());
                        tensors.add(Tensor.liveCount());
                    }
                })
                .run();
        assertThat(tensors.subList(WARM, STEPS))
                .as("open tensors after each step")
                .containsOnly(tensors.get(WARM));
        // Batches differ in size, so compare the floor of the first and of the last fifty steps.
        long early =
                bytes.subList(WARM, WARM + 50).stream().mapToLong(b -> b).min().orElseThrow();
        long late = bytes.subList(STEPS - 50, STEPS).stream()
                .mapToLong(b -> b)
                .min()
                .orElseThrow();
        System.out.printf("native bytes in use: %,d after %d steps, %,d after %d%n", early, WARM, late, STEPS);
        assertThat(late - early).as("growth of native bytes over 650 steps").isLessThan(650L * 8192);
    }
}
