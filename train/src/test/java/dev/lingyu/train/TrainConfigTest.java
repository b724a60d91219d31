package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.model.adapter.TargetModules;
import dev.lingyu.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainConfigTest {
    @TempDir
    Path directory;

    private static final String MINIMAL = """
            stage: sft
            model_name_or_path: base
            dataset: talks.jsonl
            output_dir: out
            """;

    private TrainConfig read(String yaml, String... overrides) throws IOException {
        Path file = directory.resolve("run.yaml");
        Files.writeString(file, yaml);
        return TrainConfig.read(file, List.of(overrides));
    }

    @Test
    void defaultsAreThoseOfLlamaFactory() throws IOException {
        TrainConfig config = read(MINIMAL);
        assertThat(config.data().cutoff()).isEqualTo(2048);
        assertThat(config.steps().learningRate()).isEqualTo(5e-5);
        assertThat(config.steps().epochs()).isEqualTo(3);
        assertThat(config.steps().schedule()).isEqualTo(LearningRate.Shape.LINEAR);
        assertThat(config.steps().maxGradNorm()).isEqualTo(1);
        assertThat(config.steps().seed()).isEqualTo(42);
        assertThat(config.output().saveEvery()).isEqualTo(new TrainConfig.Every(500, false));
        assertThat(config.output().loggingSteps()).isEqualTo(10);
        assertThat(config.model().dtype()).isEqualTo(DType.F32);
    }

    @Test
    void overridesWinAndNumbersInScientificNotationAreNumbers() throws IOException {
        TrainConfig config = read(MINIMAL + "learning_rate: 1e-4\n", "learning_rate=2e-5", "bf16=true", "max_steps=7");
        assertThat(config.steps().learningRate()).isEqualTo(2e-5);
        assertThat(config.model().dtype()).isEqualTo(DType.BF16);
        assertThat(config.steps().maxSteps()).contains(7);
    }

    @Test
    void fieldsWithoutEffectAreAcceptedAndSaid() throws IOException {
        assertThat(read(MINIMAL + "preprocessing_num_workers: 16\n").notices())
                .containsExactly("\"preprocessing_num_workers\" has no effect here and is ignored.");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            learning_rat: 1                 | Did you mean "learning_rate"?
            learning_rate: fast             | field "learning_rate": expected a number
            cutoff_len: 2.5                 | field "cutoff_len": expected a whole number
            cutoff_len: 2                   | expected a whole number ≥ 8, found 2
            stage: ppx                      | field "stage": expected pt or sft
            bf16: maybe                     | field "bf16": expected true or false
            lr_scheduler_type: sine         | field "lr_scheduler_type": expected constant, constant_with_warmup, cosine
            device: gpu                     | field "device": Unknown device "gpu"
            save_dtype: f31                 | field "save_dtype": Unknown dtype "f31"
            finetuning_type: lara           | expected freeze, full, lora
            lora_rank: 0                    | field "lora_rank": expected a whole number ≥ 1
            pissa_init: true                | field "pissa_init": expected nothing, because it is not built: an adapter begins
            loraplus_lr_ratio: 16           | field "loraplus_lr_ratio": expected nothing, because it is not built
            on_bad_row: ignore              | expected fail or skip
            mix_strategy: blend             | field "mix_strategy": expected concat, interleave_under
            mix_weights: logg               | field "mix_weights": expected proportional, equal, log
            """)
    void aWrongFieldIsNamedWithWhatWasExpectedAndFound(String line, String message) {
        String key = line.substring(0, line.indexOf(':'));
        String yaml =
                MINIMAL.lines().filter(l -> !l.startsWith(key + ":")).collect(java.util.stream.Collectors.joining("\n"))
                        + "\n" + line + "\n";
        assertThatThrownBy(() -> read(yaml)).isInstanceOf(TrainException.class).hasMessageContaining(message);
    }

    @Test
    void loraFieldsHaveLlamaFactorysNamesAndDefaults() throws IOException {
        Tuning.Lora plain = (Tuning.Lora) read(MINIMAL, "finetuning_type=lora").tuning();
        assertThat(plain.config().rank()).isEqualTo(8);
        assertThat(plain.config().alpha()).isEqualTo(16);
        assertThat(plain.config().targets().selection()).isEqualTo(new TargetModules.AllLinear());
        Tuning.Lora lora = (Tuning.Lora) read(MINIMAL + """
                                finetuning_type: lora
                                lora_rank: 4
                                lora_alpha: 6
                                lora_dropout: 0.1
                                lora_target: q_proj,v_proj
                                additional_target: embed_tokens,lm_head
                                use_rslora: true
                                use_dora: true
                                create_new_adapter: true
                                adapter_name_or_path: a,b
                                """).tuning();
        assertThat(lora.adapters()).containsExactly(Path.of("a"), Path.of("b"));
        assertThat(lora.createNew()).isTrue();
        assertThat(lora.config())
                .isEqualTo(new LoraConfig(
                        4,
                        6,
                        0.1,
                        TargetModules.of(new TargetModules.Names(List.of("q_proj", "v_proj"))),
                        List.of("embed_tokens", "lm_head"),
                        LoraConfig.Bias.NONE,
                        true,
                        true,
                        Map.of(),
                        Map.of(),
                        false,
                        Optional.empty()));
    }

    @Test
    void freezeFieldsHaveLlamaFactorysNamesAndDefaults() throws IOException {
        assertThat(read(MINIMAL, "finetuning_type=freeze").tuning())
                .isEqualTo(new Tuning.Freeze(List.of(), 2, List.of("all"), List.of()));
        assertThat(read(
                                MINIMAL,
                                "finetuning_type=freeze",
                                "freeze_trainable_layers=-3",
                                "freeze_trainable_modules=mlp",
                                "freeze_extra_modules=norm")
                        .tuning())
                .isEqualTo(new Tuning.Freeze(List.of(), -3, List.of("mlp"), List.of("norm")));
    }

    @Test
    void fieldsOfAnotherTypeOfTuningAreSaid() throws IOException {
        TrainConfig config = read(MINIMAL, "lora_rank=4", "freeze_extra_modules=norm");
        assertThat(config.tuning()).isEqualTo(new Tuning.Full(List.of()));
        assertThat(config.notices())
                .containsExactly(
                        "\"lora_rank\" has no effect unless finetuning_type is lora.",
                        "\"freeze_extra_modules\" has no effect unless finetuning_type is freeze.");
    }

    @Test
    void whatIsMissingIsSaid() {
        assertThatThrownBy(() -> read("stage: pt\ndataset: a\noutput_dir: b\n"))
                .hasMessageContaining("model_name_or_path");
        assertThatThrownBy(() -> read("stage: pt\nmodel_name_or_path: m\noutput_dir: b\n"))
                .hasMessageContaining("\"dataset\" is missing");
        assertThatThrownBy(() -> read("stage: pt\nmodel_name_or_path: m\ndataset: a\n"))
                .hasMessageContaining("output_dir");
        assertThatThrownBy(() -> TrainConfig.read(directory.resolve("no.yaml"), List.of()))
                .hasMessageContaining("no.yaml");
        assertThatThrownBy(() -> read("stage: [pt\n")).hasMessageContaining("not valid YAML");
        assertThatThrownBy(() -> read(MINIMAL, "novalue")).hasMessageContaining("key=value");
    }

    @Test
    void everyReadyRecipeIsReadAndSaysWhatItsNameSays() throws IOException {
        Path folder = Path.of("..", "configs").toAbsolutePath().normalize();
        try (java.util.stream.Stream<Path> files = Files.list(folder)) {
            List<Path> recipes =
                    files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList();
            assertThat(recipes).hasSizeGreaterThan(20);
            for (Path recipe : recipes) {
                TrainConfig config = TrainConfig.read(recipe, List.of());
                String name = recipe.getFileName().toString();
                assertThat(name)
                        .as("stage of " + name)
                        .contains("-" + config.source().path("stage").asText() + "-");
                assertThat(name)
                        .as("tuning of " + name)
                        .endsWith("-" + config.source().path("finetuning_type").asText() + ".yaml");
                assertThat(config.notices())
                        .as("fields without effect in " + name)
                        .isEmpty();
                int rowsPerStep = config.steps().batchSize() * config.steps().accumulation();
                assertThat(rowsPerStep).isEqualTo(config.stage() == TrainConfig.Stage.PT ? 256 : 64);
            }
        }
    }

    @Test
    void aRecipeOfLlamaFactoryIsReadUnchanged() throws IOException {
        TrainConfig config = read("""
                ### model
                model_name_or_path: models/llama-3-8b
                trust_remote_code: true
                ### method
                stage: sft
                do_train: true
                finetuning_type: lora
                lora_rank: 8
                lora_target: all
                deepspeed: ds_z3_config.json
                ### dataset
                dataset: identity,alpaca_en_demo
                template: llama3
                cutoff_len: 2048
                max_samples: 1000
                overwrite_cache: true
                preprocessing_num_workers: 16
                dataloader_num_workers: 4
                ### output
                output_dir: saves/sft
                logging_steps: 10
                save_steps: 500
                plot_loss: true
                overwrite_output_dir: true
                save_only_model: false
                report_to: none  # choices: [none, wandb, tensorboard, swanlab, mlflow]
                ### train
                per_device_train_batch_size: 1
                gradient_accumulation_steps: 8
                learning_rate: 1.0e-4
                num_train_epochs: 3.0
                lr_scheduler_type: cosine
                warmup_ratio: 0.1
                bf16: true
                ddp_timeout: 180000000
                resume_from_checkpoint: null
                ### eval
                val_size: 0.1
                per_device_eval_batch_size: 2
                eval_strategy: steps
                eval_steps: 500
                """);
        assertThat(config.output().evalEvery()).isEqualTo(new TrainConfig.Every(500, false));
        assertThat(config.output().evalBatch()).isEqualTo(2);
        assertThat(config.data().datasets()).containsExactly("identity", "alpaca_en_demo");
        assertThat(config.notices()).anyMatch(n -> n.contains("deepspeed"));
    }

    @Test
    void anEpochMayBeTheInterval() throws IOException {
        TrainConfig config = read(MINIMAL + "save_strategy: epoch\neval_strategy: 'no'\n");
        assertThat(config.output().saveEvery().due(30, 15)).isTrue();
        assertThat(config.output().saveEvery().due(31, 15)).isFalse();
        assertThat(config.output().evalEvery().due(30, 15)).isFalse();
    }
}
