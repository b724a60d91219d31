package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.model.WeightQuantization;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Runs with `finetuning_type: lora` and `freeze`, from a config to files.
class AdapterTrainingTest {
    private static final String ADAPTER = "adapter_model.safetensors";

    @TempDir
    Path directory;

    private Tiny tiny;
    private Path base;

    @BeforeEach
    void aSmallBase() throws IOException {
        tiny = Tiny.in(directory);
        base = directory.resolve("base");
        run(tiny.pretraining(base), Integer.MAX_VALUE);
    }

    private ObjectNode lora(String output) {
        return tiny.finetuning(base, directory.resolve(output))
                .put("finetuning_type", "lora")
                .put("lora_rank", 4)
                .put("lora_dropout", 0.1)
                .put("max_steps", 6)
                .put("save_steps", 2);
    }

    private static List<String> run(ObjectNode config, int stopAfter) throws IOException {
        List<String> notices = new ArrayList<>();
        List<Trainer> itself = new ArrayList<>();
        Trainer trainer = new Trainer(TrainConfig.of("test", config), new TrainingListener() {
            @Override
            public void notice(String sentence) {
                notices.add(sentence);
            }

            @Override
            public void step(StepReport report) {
                if (report.step() == stopAfter) {
                    itself.getFirst().requestStop();
                }
            }
        });
        itself.add(trainer);
        Trainer.Result result = trainer.run();
        assertThat(result.finished()).isEqualTo(stopAfter == Integer.MAX_VALUE);
        return notices;
    }

    @ParameterizedTest
    @CsvSource({"8, INT8", "4, INT4"})
    void onARoundedBaseLossesAreThoseOnItsUnpackedWeights(int bits, Quantization method) throws IOException {
        Path unpacked = directory.resolve("unpacked");
        LanguageModel.Options options = new LanguageModel.Options(Optional.of(DType.F32), Device.CPU, false)
                .quantized(WeightQuantization.ofBlocks(method));
        try (LanguageModel model = LanguageModel.open(base, options);
                Scope scope = Scope.open()) {
            assertThat(model.quantization()).contains(method);
            model.decoder().parameters().stream()
                    .filter(p -> p.quantized().isPresent())
                    .forEach(p -> p.replace(p.value()));
            model.save(unpacked, DType.F32);
        }
        run(lora("rounded").put("quantization_bit", bits), Integer.MAX_VALUE);
        run(lora("plain").put("model_name_or_path", unpacked.toString()), Integer.MAX_VALUE);
        List<Double> rounded = losses("rounded");
        List<Double> plain = losses("plain");
        assertThat(rounded).hasSize(6);
        for (int i = 0; i < rounded.size(); i++) {
            assertThat(rounded.get(i)).as("step %d", i + 1).isCloseTo(plain.get(i), within(1e-4));
        }
    }

    private List<Double> losses(String output) throws IOException {
        List<Double> losses = new ArrayList<>();
        for (String line : Files.readAllLines(directory.resolve(output).resolve("trainer_log.jsonl"))) {
            JsonNode loss = new ObjectMapper().readTree(line).path("loss");
            if (loss.isNumber()) {
                losses.add(loss.asDouble());
            }
        }
        return losses;
    }

    @Test
    void roundedWeightsAreTrainedThroughAdaptersOnly() {
        ObjectNode full = tiny.finetuning(base, directory.resolve("full")).put("quantization_bit", 8);
        assertThatThrownBy(() -> TrainConfig.of("test", full))
                .hasMessageContaining("quantization_bit")
                .hasMessageContaining("finetuning_type: lora");
        assertThatThrownBy(() -> TrainConfig.of("test", lora("three").put("quantization_bit", 3)))
                .hasMessageContaining("4 or 8");
    }

    @ParameterizedTest
    @CsvSource({
        "false, false, false, '',              all",
        "true,  false, false, '',              all",
        "false, true,  false, '',              all",
        "true,  true,  true,  word_embeddings, all",
        "false, false, true,  word_embeddings, all",
        "false, false, false, '',              'query_key_value,word_embeddings,lm_head'",
        "true,  true,  true,  '',              'word_embeddings,lm_head'"
    })
    void sixStepsStoppedAtThreeAndResumedEndWithTheSameBits(
            boolean recompute, boolean dora, boolean bf16, String additional, String targets) throws IOException {
        byte[] before = Files.readAllBytes(base.resolve("model.safetensors"));
        for (String name : List.of("whole", "broken")) {
            ObjectNode config = lora(name)
                    .put("gradient_checkpointing", recompute)
                    .put("use_dora", dora)
                    .put("lora_target", targets)
                    .put("bf16", bf16);
            if (!additional.isEmpty()) {
                config.put("additional_target", additional);
            }
            if (name.equals("broken")) {
                run(config, 3);
            }
            run(config, Integer.MAX_VALUE);
        }
        for (String file : List.of(ADAPTER, "checkpoint-6/optimizer.safetensors", "checkpoint-6/" + ADAPTER)) {
            assertThat(Files.mismatch(
                            directory.resolve("whole").resolve(file),
                            directory.resolve("broken").resolve(file)))
                    .as("first differing byte of " + file)
                    .isEqualTo(-1);
        }
        assertThat(Files.readAllBytes(base.resolve("model.safetensors")))
                .as("the base")
                .isEqualTo(before);
    }

    @Test
    void whatIsWrittenIsAPeftDirectoryWithTokenizerTemplateAndRecordAndNoBase() throws IOException {
        long live = Tensor.liveCount();
        Path output = directory.resolve("lora");
        run(lora("lora"), Integer.MAX_VALUE);
        assertThat(Tensor.liveCount()).as("tensors left open").isEqualTo(live);
        assertThat(output.resolve("model.safetensors")).doesNotExist();
        assertThat(output.resolve("checkpoint-6/model.safetensors")).doesNotExist();
        assertThat(output).isDirectoryContaining("glob:**/tokenizer.json");
        assertThat(output).isDirectoryContaining("glob:**/chat_template.jinja");
        LoraConfig config = (LoraConfig) AdapterConfig.read(output);
        assertThat(config.rank()).isEqualTo(4);
        assertThat(config.alpha()).isEqualTo(8);
        assertThat(config.base()).contains(base.toAbsolutePath().toString());
        SafetensorsFile weights = SafetensorsFile.open(output.resolve(ADAPTER));
        assertThat(weights.names()).hasSize(2 * 4 * 2).allMatch(n -> n.startsWith("base_model.model.transformer.h."));
        JsonNode record = new ObjectMapper().readTree(Files.readAllBytes(output.resolve("run.json")));
        long trained = record.path("metrics").path("trained_parameters").asLong();
        assertThat(trained)
                .isPositive()
                .isLessThan(record.path("metrics").path("parameters").asLong() / 2);
        // Moments of the adapter alone, padded: nothing of the base.
        SafetensorsFile optimizer = SafetensorsFile.open(output.resolve("checkpoint-6/optimizer.safetensors"));
        assertThat(Arrays.stream(optimizer.shape("decayed.exp_avg")).sum()).isBetween(trained, trained + 1024);
        float[] plain = logits(base);
        assertThat(logits(output)).isNotEqualTo(plain);
    }

    @Test
    void anAdapterIsTrainedFurtherOrHasANewOneBesideIt() throws IOException {
        run(lora("first"), Integer.MAX_VALUE);
        Path first = directory.resolve("first");
        run(lora("further").put("adapter_name_or_path", first.toString()), Integer.MAX_VALUE);
        assertThat(Files.mismatch(
                        first.resolve(ADAPTER), directory.resolve("further").resolve(ADAPTER)))
                .isNotEqualTo(-1);
        assertThat(SafetensorsFile.open(directory.resolve("further").resolve(ADAPTER))
                        .names())
                .isEqualTo(SafetensorsFile.open(first.resolve(ADAPTER)).names());
        ObjectNode second = lora("second")
                .put("adapter_name_or_path", first.toString())
                .put("create_new_adapter", true)
                .put("lora_target", "query_key_value")
                .put("lora_rank", 2);
        List<String> notices = run(second, Integer.MAX_VALUE);
        assertThat(notices).anyMatch(n -> n.contains("first") && n.contains("--adapter"));
        assertThat(SafetensorsFile.open(directory.resolve("second").resolve(ADAPTER))
                        .names())
                .hasSize(4);
        try (LanguageModel both = open(base)) {
            both.adapt("first", first);
            float[] alone = logits(both);
            both.adapt("second", directory.resolve("second"));
            assertThat(logits(both)).isNotEqualTo(alone);
        }
    }

    @Test
    void fullTrainingOnTopOfAnAdapterBeginsWithItMerged() throws IOException {
        run(lora("lora"), Integer.MAX_VALUE);
        ObjectNode full = tiny.finetuning(base, directory.resolve("full"))
                .put("adapter_name_or_path", directory.resolve("lora").toString())
                .put("learning_rate", 0)
                .put("max_steps", 1);
        run(full, Integer.MAX_VALUE);
        float[] adapted = logits(directory.resolve("lora"));
        float[] merged = logits(directory.resolve("full"));
        for (int i = 0; i < adapted.length; i++) {
            assertThat(merged[i]).isCloseTo(adapted[i], org.assertj.core.data.Offset.offset(1e-4f));
        }
    }

    @Test
    void freezingTrainsTheChosenBlocksAndModulesAlone() throws IOException {
        ObjectNode freeze = tiny.finetuning(base, directory.resolve("frozen"))
                .put("finetuning_type", "freeze")
                .put("freeze_trainable_layers", 1)
                .put("freeze_trainable_modules", "mlp")
                .put("freeze_extra_modules", "ln_f")
                .put("max_steps", 6)
                .put("save_steps", 3);
        run(freeze, 3);
        run(freeze, Integer.MAX_VALUE);
        SafetensorsFile before = SafetensorsFile.open(base.resolve("model.safetensors"));
        SafetensorsFile after = SafetensorsFile.open(directory.resolve("frozen/model.safetensors"));
        List<String> changed = before.names().stream()
                .filter(n -> !Arrays.equals(
                        before.tensor(n).toFloats(), after.tensor(n).toFloats()))
                .toList();
        assertThat(changed)
                .containsExactlyInAnyOrder(
                        "transformer.h.1.mlp.dense_h_to_4h.weight",
                        "transformer.h.1.mlp.dense_h_to_4h.bias",
                        "transformer.h.1.mlp.dense_4h_to_h.weight",
                        "transformer.h.1.mlp.dense_4h_to_h.bias",
                        "transformer.ln_f.weight",
                        "transformer.ln_f.bias");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "lora_target;q_proj;query_key_value",
                "additional_target;wte;wte",
                "lora_targets;all;lora_target",
                "adapter_name_or_path;nowhere;nowhere"
            })
    void aWrongFieldIsNamed(String field, String value, String named) {
        assertThatThrownBy(() -> run(lora("x").put(field, value), Integer.MAX_VALUE))
                .isInstanceOf(RuntimeException.class)
                .hasMessageContaining(named);
    }

    @Test
    void freezingNamesTheModulesThereAre() {
        assertThatThrownBy(() -> run(
                        tiny.finetuning(base, directory.resolve("x"))
                                .put("finetuning_type", "freeze")
                                .put("freeze_trainable_modules", "attn"),
                        Integer.MAX_VALUE))
                .isInstanceOf(TrainException.class)
                .hasMessageContaining("attn")
                .hasMessageContaining("self_attention");
    }

    private static LanguageModel open(Path model) {
        return LanguageModel.open(model, LanguageModel.Options.inference());
    }

    private static float[] logits(Path path) {
        try (LanguageModel model = open(path)) {
            return logits(model);
        }
    }

    private static float[] logits(LanguageModel model) {
        try (Scope scope = Scope.open()) {
            return model.decoder()
                    .logits(TokenBatch.of(List.of(new int[] {9, 30, 41, 7, 12})))
                    .toFloats();
        }
    }
}
