package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A training run that is killed (SIGKILL) again and again, at random instants, ends with the bits of one that
/// was not.
///
/// It saves at every second step, so that many kills hit a save.
class KillTest {
    private static final int STEPS = 240;

    @TempDir
    Path directory;

    @BeforeEach
    void writeData() throws IOException {
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(400));
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 80; i++) {
            String text = "星辰冰箱" + i + "号容量" + (200 + 7 * i) + "升，噪音" + (30 + i % 9) + "分贝。";
            trainer.add(text);
            rows.add("{\"text\": \"" + text + "\"}");
        }
        trainer.train(merges -> {}).save(directory.resolve("tokenizer"));
        Files.write(directory.resolve("texts.jsonl"), rows);
        Files.writeString(directory.resolve("run.yaml"), """
                stage: pt
                tokenizer_name_or_path: tokenizer
                model_config: {model_type: bloom, hidden_size: 64, n_layer: 2, n_head: 4}
                dataset: texts.jsonl
                val_size: 4
                cutoff_len: 32
                per_device_train_batch_size: 4
                max_steps: %d
                learning_rate: 0.005
                bf16: true
                logging_steps: 7
                eval_steps: 30
                save_steps: 2
                save_total_limit: 2
                """.formatted(STEPS));
    }

    @Test
    void threeKillsChangeNothing() throws Exception {
        killAndCompare(3, 4);
    }

    @Test
    @Tag("heavy")
    void twentyFourKillsChangeNothing() throws Exception {
        killAndCompare(24, 5);
    }

    private void killAndCompare(int kills, long seed) throws Exception {
        Random random = new Random(seed);
        long begun = System.nanoTime();
        assertThat(finish(train("whole"))).isZero();
        long duration = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
        int killed = 0;
        for (int attempt = 0; killed < kills && attempt < 10 * kills; attempt++) {
            Process process = train("broken");
            // Uniform over the whole run, so that starting, training and saving are all hit.
            long wait = 1 + (long) (random.nextDouble() * duration);
            if (!process.waitFor(wait, TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
                killed++;
                System.out.printf("kill %d after %d ms: %s%n", killed, wait, left());
            } else {
                // It was done before the kill: begin anew.
                assertThat(process.exitValue()).isZero();
                assertSame();
                delete(directory.resolve("broken"));
            }
        }
        assertThat(killed).isEqualTo(kills);
        assertThat(finish(train("broken"))).isZero();
        assertSame();
        assertThat(hidden()).as("left over from saves that were cut short").isEmpty();
    }

    private Process train(String run) throws IOException {
        return LingyuProcess.start(
                directory, directory.resolve(run + ".log"), "train", "run.yaml", "output_dir=" + run);
    }

    private static int finish(Process process) throws InterruptedException {
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        return process.exitValue();
    }

    private void assertSame() throws IOException {
        for (String file : List.of("model.safetensors", "checkpoint-" + STEPS + "/optimizer.safetensors")) {
            assertThat(Files.mismatch(
                            directory.resolve("whole").resolve(file),
                            directory.resolve("broken").resolve(file)))
                    .as(file)
                    .isEqualTo(-1);
        }
    }

    private List<String> left() throws IOException {
        Path run = directory.resolve("broken");
        if (!Files.isDirectory(run)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(run)) {
            return entries.map(p -> p.getFileName().toString())
                    .filter(name -> name.contains("checkpoint"))
                    .sorted()
                    .toList();
        }
    }

    private List<String> hidden() throws IOException {
        return left().stream().filter(name -> name.startsWith(".")).toList();
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> walk = Files.walk(tree)) {
            for (Path path : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
