package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {
    @TempDir
    Path directory;

    /// Remembers what it hears; asks the run to stop after a step.
    private static final class Listener implements TrainingListener {
        private final List<String> notices = new ArrayList<>();
        private final List<StepReport> steps = new ArrayList<>();
        private Optional<Trainer> trainer = Optional.empty();
        private int stopAfter = Integer.MAX_VALUE;

        @Override
        public void notice(String sentence) {
            notices.add(sentence);
        }

        @Override
        public void step(StepReport report) {
            steps.add(report);
            if (report.step() >= stopAfter) {
                trainer.ifPresent(Trainer::requestStop);
            }
        }
    }

    private static Trainer.Result run(ObjectNode config, Listener listener) throws IOException {
        Trainer trainer = new Trainer(TrainConfig.of("test", config), listener);
        listener.trainer = Optional.of(trainer);
        return trainer.run();
    }

    private static Trainer.Result run(ObjectNode config) throws IOException {
        return run(config, new Listener());
    }

    @Test
    void aRunLearnsAndLeavesAModelALogAndARecord() throws IOException {
        long before = Tensor.liveCount();
        Tiny tiny = Tiny.in(directory);
        Path output = directory.resolve("pt");
        Trainer.Result result = run(tiny.pretraining(output));
        assertThat(result.finished()).isTrue();
        List<String> log = Files.readAllLines(output.resolve("trainer_log.jsonl"));
        ObjectMapper json = new ObjectMapper();
        JsonNode first = json.readTree(log.getFirst());
        assertThat(first.path("current_steps").asInt()).isEqualTo(1);
        assertThat(result.lastLoss()).isLessThan(first.path("loss").asDouble());
        assertThat(log.getLast()).contains("eval_loss");
        assertThat(output.resolve("model.safetensors")).exists();
        assertThat(output.resolve("tokenizer.json")).exists();
        assertThat(output.resolve("chat_template.jinja")).exists();
        ObjectNode record = RunRecord.read(output).orElseThrow();
        assertThat(record.path("status").asText()).isEqualTo("finished");
        assertThat(record.path("metrics").path("eval_perplexity").asDouble()).isPositive();
        assertThat(record.path("data_sha256").asText()).hasSize(64);
        assertThat(Tensor.liveCount()).as("tensors left open").isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRunStoppedAnywhereAndResumedEndsWithTheSameBitsAsOneThatWasNot(boolean bf16) throws IOException {
        Tiny tiny = Tiny.in(directory);
        ObjectNode whole = tiny.pretraining(directory.resolve("whole")).put("bf16", bf16);
        run(whole);
        ObjectNode broken = tiny.pretraining(directory.resolve("broken")).put("bf16", bf16);
        for (int stop : new int[] {1, 5, 6}) {
            Listener listener = new Listener();
            listener.stopAfter = stop;
            assertThat(run(broken, listener).finished()).isFalse();
        }
        Listener last = new Listener();
        assertThat(run(broken, last).finished()).isTrue();
        assertThat(last.steps.getFirst().step()).isEqualTo(7);
        assertSameRuns();
        assertThat(losses("broken")).isEqualTo(losses("whole"));
    }

    /// As a bf16 run keeps them: 16 bits more than it computes with, which rounding gives.
    @ParameterizedTest
    @ValueSource(strings = {"adamw_torch", "adam", "adafactor"})
    void savedInF32TheWeightsAreTheMasters(String optimizer) throws IOException {
        Tiny tiny = Tiny.in(directory);
        for (String dtype : List.of("float32", "bfloat16")) {
            run(tiny.pretraining(directory.resolve(dtype))
                    .put("bf16", true)
                    .put("optim", optimizer)
                    .put("max_steps", 4)
                    .put("save_dtype", dtype));
        }
        try (Scope scope = Scope.open()) {
            SafetensorsFile masters = SafetensorsFile.open(directory.resolve("float32/model.safetensors"));
            SafetensorsFile rounded = SafetensorsFile.open(directory.resolve("bfloat16/model.safetensors"));
            int finer = 0;
            for (String name : rounded.names()) {
                float[] fine = masters.tensor(name).toFloats();
                float[] coarse = rounded.tensor(name).to(DType.F32).toFloats();
                for (int i = 0; i < fine.length; i++) {
                    // Half up or to even: a tie may go either way.
                    assertThat(Math.abs(fine[i] - coarse[i])).isLessThanOrEqualTo(Math.ulp(coarse[i]) * 65536 / 2);
                    finer += fine[i] == coarse[i] ? 0 : 1;
                }
            }
            assertThat(finer).isGreaterThan(1000);
        }
    }

    @Test
    void fineTuningResumesToTheSameBitsToo() throws IOException {
        Tiny tiny = Tiny.in(directory);
        run(tiny.pretraining(directory.resolve("base")));
        run(tiny.finetuning(directory.resolve("base"), directory.resolve("whole")));
        ObjectNode broken = tiny.finetuning(directory.resolve("base"), directory.resolve("broken"));
        runInTwo(broken, 3);
        assertSameRuns();
    }

    @Test
    void aRunThatStopsImprovingEndsEarlyAndItsBestModelIsTheResult() throws IOException {
        Tiny tiny = Tiny.in(directory);
        ObjectNode config = tiny.pretraining(directory.resolve("pt"))
                .put("learning_rate", 0.5)
                .put("warmup_ratio", 0)
                .put("max_steps", 40)
                .put("eval_steps", 1)
                .put("early_stopping_steps", 3)
                .put("load_best_model_at_end", true)
                .put("save_total_limit", 1);
        Listener listener = new Listener();
        Trainer.Result result = run(config, listener);
        assertThat(result.finished()).isTrue();
        assertThat(result.steps()).isLessThan(40);
        JsonNode metrics = RunRecord.read(directory.resolve("pt")).orElseThrow().path("metrics");
        int best = metrics.path("best_step").asInt();
        assertThat(result.steps()).isEqualTo(best + 3);
        assertThat(Files.readAllBytes(directory.resolve("pt/model.safetensors")))
                .isEqualTo(Files.readAllBytes(directory.resolve("pt/checkpoint-" + best + "/model.safetensors")));
        assertThat(listener.notices).anyMatch(n -> n.contains("Ended early"));
    }

    @Test
    void chosenHeldOutRowsAreAnsweredAtEachCheckAndKeptForThePage() throws IOException {
        Tiny tiny = Tiny.in(directory);
        run(tiny.pretraining(directory.resolve("base")));
        run(tiny.finetuning(directory.resolve("base"), directory.resolve("tuned"))
                .put("eval_steps", 6)
                .put("eval_samples", 3));
        List<String> answers = Files.readAllLines(directory.resolve("tuned/eval_samples.jsonl"));
        assertThat(answers).hasSize(6);
        assertThat(answers.getFirst()).contains("\"step\":6", "\"prompt\":\"User: 星辰冰箱", "\"expected\"");
        assertThat(directory.resolve("tuned/run.html")).exists();
        assertThat(directory.resolve("tuned/training_loss.svg")).exists();
        assertThat(directory.resolve("tuned/README.md")).exists();
    }

    @Test
    void f16WithADynamicLossScaleLearnsAndResumesToTheSameBits() throws IOException {
        Tiny tiny = Tiny.in(directory);
        ObjectNode whole = tiny.pretraining(directory.resolve("whole")).put("fp16", true);
        Listener listener = new Listener();
        run(whole, listener);
        assertThat(listener.steps.getLast().loss())
                .isLessThan(listener.steps.getFirst().loss());
        ObjectNode broken = tiny.pretraining(directory.resolve("broken")).put("fp16", true);
        runInTwo(broken, 5);
        assertSameRuns();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"optim=adafactor", "neftune_noise_alpha=5", "layerwise_lr_decay=0.9", "group_by_length=true"})
    void everyOptionResumesToTheSameBits(String option) throws IOException {
        Tiny tiny = Tiny.in(directory);
        String key = option.substring(0, option.indexOf('='));
        String value = option.substring(option.indexOf('=') + 1);
        run(tiny.pretraining(directory.resolve("whole")).put(key, value));
        ObjectNode broken = tiny.pretraining(directory.resolve("broken")).put(key, value);
        runInTwo(broken, 5);
        assertSameRuns();
    }

    @Test
    void aRunWhoseBaseModelWasChangedMeanwhileIsNotGoneOnWith() throws IOException {
        Tiny tiny = Tiny.in(directory);
        run(tiny.pretraining(directory.resolve("base")));
        ObjectNode tuning = tiny.finetuning(directory.resolve("base"), directory.resolve("tuned"));
        Listener listener = new Listener();
        listener.stopAfter = 3;
        run(tuning, listener);
        run(tiny.pretraining(directory.resolve("other")).put("seed", 7));
        Files.copy(
                directory.resolve("other/model.safetensors"),
                directory.resolve("base/model.safetensors"),
                StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> run(tuning))
                .isInstanceOf(TrainException.class)
                .hasMessageContaining("differs in the weights of model_name_or_path");
    }

    @Test
    void aDamagedCheckpointIsPassedOverForTheOneBeforeAndSaid() throws IOException {
        Tiny tiny = Tiny.in(directory);
        run(tiny.pretraining(directory.resolve("whole")));
        ObjectNode broken = tiny.pretraining(directory.resolve("broken"));
        Listener listener = new Listener();
        listener.stopAfter = 9;
        run(broken, listener);
        Path newest = directory.resolve("broken/checkpoint-9/optimizer.safetensors");
        byte[] bytes = Files.readAllBytes(newest);
        bytes[bytes.length / 2] ^= 1;
        Files.write(newest, bytes);
        Listener again = new Listener();
        run(broken, again);
        assertThat(again.notices).anyMatch(n -> n.contains("checkpoint-9 is damaged"));
        assertThat(again.steps.getFirst().step()).isEqualTo(9);
        assertSameBits("model.safetensors");
    }

    @Test
    void leftoversOfAKilledSaveAreNeitherReadNorLeft() throws IOException {
        Tiny tiny = Tiny.in(directory);
        Path output = directory.resolve("pt");
        Listener listener = new Listener();
        listener.stopAfter = 4;
        run(tiny.pretraining(output), listener);
        Path half = Files.createDirectories(output.resolve(".checkpoint-8.tmp"));
        Files.writeString(half.resolve("model.safetensors"), "half");
        Files.writeString(output.resolve("trainer_log.jsonl"), "{\"current_st", StandardOpenOption.APPEND);
        Listener again = new Listener();
        run(tiny.pretraining(output), again);
        assertThat(again.steps.getFirst().step()).isEqualTo(5);
        assertThat(half).doesNotExist();
        for (String line : Files.readAllLines(output.resolve("trainer_log.jsonl"))) {
            assertThat(new ObjectMapper().readTree(line).has("current_steps")).isTrue();
        }
    }

    @Test
    void oldCheckpointsGoButTheNewestStays() throws IOException {
        Tiny tiny = Tiny.in(directory);
        run(tiny.pretraining(directory.resolve("pt")).put("save_steps", 2).put("save_total_limit", 2));
        try (Stream<Path> entries = Files.list(directory.resolve("pt"))) {
            assertThat(entries.map(p -> p.getFileName().toString()).filter(n -> n.startsWith("checkpoint")))
                    .containsExactlyInAnyOrder("checkpoint-10", "checkpoint-12");
        }
    }

    @Test
    void goingOnWithOtherDataIsRefused() throws IOException {
        Tiny tiny = Tiny.in(directory);
        Listener listener = new Listener();
        listener.stopAfter = 4;
        run(tiny.pretraining(directory.resolve("pt")), listener);
        assertThatThrownBy(() -> run(tiny.pretraining(directory.resolve("pt")).put("cutoff_len", 16)))
                .isInstanceOf(TrainException.class)
                .hasMessageContaining("training rows")
                .hasMessageContaining("overwrite_output_dir");
    }

    @Test
    void anImpossibleLearningRateEndsInADiagnosisNotInGarbage() throws IOException {
        Tiny tiny = Tiny.in(directory);
        ObjectNode config = tiny.pretraining(directory.resolve("pt"))
                .put("learning_rate", 10)
                .put("max_grad_norm", 0)
                .put("weight_decay", 10)
                .put("warmup_ratio", 0)
                .put("max_steps", 400);
        assertThatThrownBy(() -> run(config))
                .isInstanceOf(TrainException.class)
                .hasMessageContaining("not finite")
                .hasMessageContaining("learning_rate");
    }

    /// The broken run ended with the weights and the optimiser's state of the whole one.
    private void assertSameRuns() throws IOException {
        assertSameBits("model.safetensors");
        assertSameBits("checkpoint-12/optimizer.safetensors");
    }

    /// Stops a run after a step and goes on with it to its end.
    private static void runInTwo(ObjectNode config, int stop) throws IOException {
        Listener first = new Listener();
        first.stopAfter = stop;
        run(config, first);
        run(config);
    }

    private void assertSameBits(String file) throws IOException {
        assertThat(Files.mismatch(
                        directory.resolve("whole").resolve(file),
                        directory.resolve("broken").resolve(file)))
                .as("first differing byte of " + file)
                .isEqualTo(-1);
    }

    private List<String> losses(String run) throws IOException {
        return Files.readAllLines(directory.resolve(run).resolve("trainer_log.jsonl")).stream()
                .map(line -> line.replaceAll(",\"(tokens_per_second|mfu)\":[^,}]*", ""))
                .toList();
    }
}
