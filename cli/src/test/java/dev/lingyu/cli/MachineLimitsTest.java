package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Training in a process of its own, on a disk that is too small and on a machine with too little memory.
///
/// The disk is a tmpfs in a mount namespace that only the process sees.
class MachineLimitsTest {
    /// One checkpoint of the test's model is 16 bytes for each of its 0.6 million weights.
    private static final int CHECKPOINT_MIB = 10;

    @TempDir
    Path directory;

    private record Ran(int exitCode, String said) {}

    @BeforeEach
    void writeData() throws IOException {
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(300));
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            String text = "星辰冰箱" + i + "号容量" + (200 + 7 * i) + "升。";
            trainer.add(text);
            rows.add("{\"text\": \"" + text + "\"}");
        }
        trainer.train(merges -> {}).save(directory.resolve("tokenizer"));
        Files.write(directory.resolve("texts.jsonl"), rows);
    }

    private Path config(String shape) throws IOException {
        Path file = directory.resolve("run.yaml");
        Files.writeString(file, """
                stage: pt
                tokenizer_name_or_path: tokenizer
                model_config: {%s}
                dataset: texts.jsonl
                output_dir: disk/run
                cutoff_len: 32
                max_steps: 4
                save_steps: 2
                save_total_limit: 9
                """.formatted(shape));
        return file;
    }

    private static final String SMALL = "model_type: bloom, hidden_size: 128, n_layer: 3, n_head: 4";

    /// Runs `script` with `lingyu` as a function, in a namespace where mounts are allowed.
    private Ran run(String script) throws IOException, InterruptedException {
        String words = LingyuProcess.command().stream().map(w -> "'" + w + "'").collect(Collectors.joining(" "));
        String lingyu = "lingyu() { " + words + " \"$@\"; }; mkdir -p disk; ";
        ProcessBuilder builder = new ProcessBuilder("unshare", "-rm", "bash", "-c", lingyu + script)
                .directory(directory.toFile())
                .redirectErrorStream(true);
        Process process = builder.start();
        process.getOutputStream().close();
        String said;
        try (InputStream in = process.getInputStream()) {
            said = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        return new Ran(process.exitValue(), said);
    }

    private static void assumeMountsAreAllowed() throws IOException, InterruptedException {
        boolean allowed;
        try {
            allowed = new ProcessBuilder("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt")
                            .redirectErrorStream(true)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            allowed = false;
        }
        Assumptions.assumeTrue(allowed, "needs `unshare -rm mount`, which this system or user does not have");
    }

    @Test
    void aDiskThatFillsUpDuringASaveEndsTheRunWithASentenceAndTheEarlierCheckpointIsGoneOnWith() throws Exception {
        assumeMountsAreAllowed();
        Path run = config(SMALL);
        int room = CHECKPOINT_MIB * 3 / 2;
        Ran full = run("mount -t tmpfs -o size=" + room + "m none disk; lingyu train " + run.getFileName()
                + "; echo code $?; find disk/run -mindepth 1 -maxdepth 1 | sort;"
                + " mount -o remount,size=200m disk; lingyu train " + run.getFileName() + "; echo code $?;"
                + " find disk/run -maxdepth 1 -name 'model.safetensors'");
        assertThat(full.said())
                .contains("no space is left on the disk", "code 2\n", "disk/run/checkpoint-2\n")
                .contains("Going on from checkpoint-2.", "code 0\ndisk/run/model.safetensors");
        String firstListing =
                full.said().substring(full.said().indexOf("code 2"), full.said().indexOf("Going on"));
        assertThat(firstListing).doesNotContain("checkpoint-4", ".tmp");
    }

    @Test
    void aDiskWithoutRoomForOneCheckpointIsToldBeforeAnythingIsWritten() throws Exception {
        assumeMountsAreAllowed();
        Path run = config(SMALL);
        Ran refused = run("mount -t tmpfs -o size=4m none disk; lingyu train " + run.getFileName()
                + "; echo code $?; find disk -type f -not -path '*/.tokenized/*'");
        assertThat(refused.said())
                .contains("of free disk; one checkpoint needs", "choose another output_dir")
                .endsWith("code 2\n");
    }

    @Test
    void aModelThatCannotFitIsRefusedBeforeItsWeightsAreMade() throws Exception {
        Path run = config("model_type: bloom, hidden_size: 32768, n_layer: 200, n_head: 64");
        Invocation refused = Invocation.of("train", run, "tokenizer_name_or_path=" + directory.resolve("tokenizer"));
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).contains("This run needs about", "weights", "optimiser", "are free");
        try (Stream<Path> left = Files.walk(directory)) {
            assertThat(left.map(p -> p.getFileName().toString())).doesNotContain("run.json", "disk");
        }
    }
}
