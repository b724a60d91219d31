package dev.lingyu.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.Mix;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.kernel.Quantization;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A training run as its YAML file describes it, with LLaMA-Factory's field names where the meaning is the
/// same.
///
/// @param stage    what is learned
/// @param model    where the model comes from
/// @param tuning   what of it is trained
/// @param data     what it learns from
/// @param steps    how it learns
/// @param output   what is written, and when
/// @param source   all fields as given, for `run.json`
/// @param notices  what to tell the user about fields without effect
public record TrainConfig(
        Stage stage,
        Model model,
        Tuning tuning,
        Data data,
        Steps steps,
        Output output,
        ObjectNode source,
        List<String> notices) {

    /// What a run learns.
    public enum Stage {
        /// Post-training: loss on every token of plain text.
        PT,
        /// Supervised fine-tuning: loss on the answers of conversations.
        SFT
    }

    /// Where the model comes from.
    ///
    /// @param path      `model_name_or_path`, a Hugging Face directory
    /// @param scratch   `train_from_scratch`: only its config.json is used, weights are fresh
    /// @param shape     `model_config`: the config.json of a fresh model, given in the YAML itself
    /// @param tokenizer `tokenizer_name_or_path`, where it is not the model's
    /// @param template  `template`: a built-in chat template's name; empty for the model's own
    /// @param toolFormat `tool_format`: how that template is to write tools, if not in its own way
    /// @param defaultSystem `default_system`: the system message of conversations that have none
    /// @param vocabulary `add_tokens`, `add_special_tokens`, `resize_vocab`, `resize_vocab_multiple`
    /// @param dtype     what the model computes in: `bf16: true`, `fp16: true` (with a loss scale), else f32
    /// @param device    `device`
    /// @param quantization `quantization_bit`: how the frozen matrices of a base for LoRA are held (QLoRA)
    public record Model(
            Optional<Path> path,
            boolean scratch,
            Optional<ObjectNode> shape,
            Optional<Path> tokenizer,
            Optional<String> template,
            Optional<String> toolFormat,
            Optional<String> defaultSystem,
            Vocabulary vocabulary,
            DType dtype,
            Device device,
            Optional<Quantization> quantization) {}

    /// What becomes of the vocabulary before training.
    ///
    /// @param tokens   `add_tokens`: words that become tokens
    /// @param special  `add_special_tokens`, or `new_special_tokens`: markers that become tokens
    /// @param resize   `resize_vocab`: whether the embedding may grow; true where tokens are added
    /// @param multiple `resize_vocab_multiple`: its number of rows becomes a multiple of this
    public record Vocabulary(List<String> tokens, List<String> special, boolean resize, int multiple) {}

    /// What it learns from.
    ///
    /// @param datasets   `dataset`: names in dataset_info.json, or paths
    /// @param folder     `dataset_dir`
    /// @param evaluation `eval_dataset`
    /// @param valSize    `val_size`: share (below 1) or number of examples held out
    /// @param maxSamples `max_samples`
    /// @param skipBadRows `on_bad_row: skip`
    /// @param mixing     how several datasets become one
    /// @param rows       how examples become rows
    /// @param packing    `packing` or `neat_packing`: several documents share a row
    /// @param thinking   `enable_thinking`: what templates of thinking models are told
    /// @param tokenized  `tokenized_path`: where tokenized rows are kept
    public record Data(
            List<String> datasets,
            Path folder,
            List<String> evaluation,
            double valSize,
            Optional<Integer> maxSamples,
            boolean skipBadRows,
            Mix mixing,
            RowOptions rows,
            boolean packing,
            Optional<Boolean> thinking,
            Optional<Path> tokenized) {
        /// The longest row [tokens]: `cutoff_len`, one less where rows are packed.
        public int cutoff() {
            return rows.cutoff();
        }
    }

    /// How it learns.
    ///
    /// @param batchSize    `per_device_train_batch_size` [sequences]
    /// @param accumulation `gradient_accumulation_steps`
    /// @param epochs       `num_train_epochs`
    /// @param maxSteps     `max_steps`, which wins over epochs
    /// @param optimizer    `optim` and its constants
    /// @param layerDecay   `layerwise_lr_decay`: each layer learns at this share of the rate of the one above
    /// @param learningRate `learning_rate`
    /// @param schedule     `lr_scheduler_type`
    /// @param scheduleOptions `lr_scheduler_kwargs`
    /// @param warmupRatio  `warmup_ratio`
    /// @param warmupSteps  `warmup_steps`, which wins over the ratio
    /// @param maxGradNorm  `max_grad_norm`, 0 for none
    /// @param neftuneAlpha `neftune_noise_alpha`: noise on the embeddings in training, 0 for none
    /// @param recompute    `gradient_checkpointing`
    /// @param seed         `seed`
    /// @param groupByLength `group_by_length`: rows of similar length share a step
    public record Steps(
            int batchSize,
            int accumulation,
            double epochs,
            Optional<Integer> maxSteps,
            OptimizerSettings optimizer,
            double layerDecay,
            double learningRate,
            LearningRate.Shape schedule,
            LearningRate.Options scheduleOptions,
            double warmupRatio,
            int warmupSteps,
            double maxGradNorm,
            double neftuneAlpha,
            boolean recompute,
            long seed,
            boolean groupByLength) {}

    /// What is written, and when.
    ///
    /// @param directory    `output_dir`
    /// @param overwrite    `overwrite_output_dir`: start anew where an earlier run's files are
    /// @param resume       `resume_from_checkpoint`: false starts anew, true (the default) goes on where a
    ///                     run was
    /// @param loggingSteps `logging_steps`
    /// @param saveEvery    `save_steps`, or `save_strategy: epoch`; the last step is always saved
    /// @param saveLimit    `save_total_limit`
    /// @param evalEvery    `eval_steps`, or `eval_strategy: epoch`; the last step is checked too
    /// @param evalBatch    `per_device_eval_batch_size` [sequences]
    /// @param evalOnStart  `eval_on_start`: check before the first step too
    /// @param evalSamples  `eval_samples`: how many held-out rows the model answers at each check, to be read
    /// @param patience     `early_stopping_steps`: end after so many checks in a row without a better held-out
    ///                     loss, 0 for never
    /// @param loadBest     `load_best_model_at_end`: the result is the model of the best check, not of the
    ///                     last step
    /// @param saveDtype    the type of the saved weights; f32 are the masters
    public record Output(
            Path directory,
            boolean overwrite,
            boolean resume,
            int loggingSteps,
            Every saveEvery,
            int saveLimit,
            Every evalEvery,
            int evalBatch,
            boolean evalOnStart,
            int evalSamples,
            int patience,
            boolean loadBest,
            DType saveDtype) {}

    /// How often something happens.
    ///
    /// @param steps every so many steps, 0 for never
    /// @param epoch at the end of every epoch
    public record Every(int steps, boolean epoch) {
        /// Whether it is due after so many steps.
        boolean due(int step, int stepsPerEpoch) {
            return epoch ? step % stepsPerEpoch == 0 : steps > 0 && step % steps == 0;
        }

        /// Reads `NAME_strategy` and `NAME_steps` of transformers.
        static Every read(Settings s, String name, int otherwise) {
            int steps = s.whole(name + "_steps", otherwise, 0);
            return switch (s.text(name + "_strategy", "steps")) {
                case "steps" -> new Every(steps, false);
                case "epoch" -> new Every(0, true);
                case "no" -> new Every(0, false);
                default ->
                    throw s.wrong(
                            name + "_strategy", "steps, epoch or no", s.fields().path(name + "_strategy"));
            };
        }
    }

    /// Reads a YAML file and `key=value` overrides.
    ///
    /// @throws TrainException naming the file, the field, what was expected and what was found
    public static TrainConfig read(Path file, List<String> overrides) {
        return of(Settings.read(file, overrides));
    }

    /// Reads the same fields from a document made by a program.
    public static TrainConfig of(String name, ObjectNode fields) {
        return of(Settings.of(name, fields, List.of()));
    }

    private static TrainConfig of(Settings s) {
        Stage stage = switch (s.text("stage", "sft")) {
            case "pt" -> Stage.PT;
            case "sft" -> Stage.SFT;
            default ->
                throw s.wrong(
                        "stage",
                        "pt or sft (rm, ppo, dpo are not built yet)",
                        s.fields().path("stage"));
        };
        Model model = model(s);
        Tuning tuning = Tuning.read(s);
        Data data = data(s, stage);
        Steps steps = steps(s);
        Output output = output(s, model.dtype());
        return new TrainConfig(stage, model, tuning, data, steps, output, s.fields(), s.finish());
    }

    private static Model model(Settings s) {
        Optional<Path> path = s.text("model_name_or_path").map(Path::of);
        if (path.isPresent() && Files.isRegularFile(path.get())) {
            throw s.wrong(
                    "model_name_or_path",
                    "a model directory (make one of a GGUF file with lingyu convert FILE.gguf DIR)",
                    s.fields().path("model_name_or_path"));
        }
        Optional<ObjectNode> shape = s.object("model_config");
        boolean scratch = s.flag("train_from_scratch", shape.isPresent());
        if (path.isEmpty() && (shape.isEmpty() || !scratch)) {
            throw s.missing(
                    "model_name_or_path", "the directory of the model to train (or model_config for a fresh one)");
        }
        Optional<Path> tokenizer = s.text("tokenizer_name_or_path").map(Path::of);
        if (shape.isPresent() && tokenizer.isEmpty() && path.isEmpty()) {
            throw s.missing("tokenizer_name_or_path", "the directory of the tokenizer for the fresh model");
        }
        boolean bf16 = s.flag("bf16", false) | s.flag("pure_bf16", false);
        boolean fp16 = s.flag("fp16", false);
        if (bf16 && fp16) {
            throw s.wrong("fp16", "false beside bf16: true", s.fields().path("fp16"));
        }
        return new Model(
                path,
                scratch,
                shape,
                tokenizer,
                s.text("template"),
                toolFormat(s),
                s.text("default_system"),
                vocabulary(s),
                bf16 ? DType.BF16 : fp16 ? DType.F16 : DType.F32,
                s.parsed("device", "auto", Device::parse),
                quantization(s));
    }

    private static Optional<String> toolFormat(Settings s) {
        Optional<String> format = s.text("tool_format");
        if (format.isPresent() && s.text("template").isEmpty()) {
            throw s.wrong(
                    "tool_format",
                    "nothing without template: a model's own template says itself how tools are written",
                    s.fields().path("tool_format"));
        }
        return format;
    }

    /// LLaMA-Factory's field; its methods of rounding are bitsandbytes', which these are not.
    private static Optional<Quantization> quantization(Settings s) {
        Optional<Integer> bits = s.whole("quantization_bit", 1);
        if (bits.isEmpty()) {
            return Optional.empty();
        }
        if (bits.get() != 4 && bits.get() != 8) {
            throw s.wrong("quantization_bit", "4 or 8", s.fields().path("quantization_bit"));
        }
        if (!s.text("finetuning_type", "full").equals("lora")) {
            throw s.wrong(
                    "quantization_bit",
                    "finetuning_type: lora beside it, because rounded weights can't be trained",
                    s.fields().path("quantization_bit"));
        }
        return Optional.of(bits.get() == 4 ? Quantization.INT4 : Quantization.INT8);
    }

    private static Vocabulary vocabulary(Settings s) {
        List<String> tokens = s.texts("add_tokens");
        List<String> special = new ArrayList<>(s.texts("add_special_tokens"));
        special.addAll(s.texts("new_special_tokens"));
        boolean adds = !tokens.isEmpty() || !special.isEmpty();
        boolean resize = s.flag("resize_vocab", adds);
        if (adds && !resize) {
            throw s.wrong(
                    "resize_vocab", "true, as tokens are added", s.fields().path("resize_vocab"));
        }
        return new Vocabulary(tokens, special, resize, s.whole("resize_vocab_multiple", 8, 1));
    }

    private static Data data(Settings s, Stage stage) {
        List<String> datasets = s.texts("dataset");
        if (datasets.isEmpty()) {
            throw s.missing("dataset", "names in dataset_info.json, or paths of files");
        }
        String badRows = s.text("on_bad_row", "fail");
        if (!badRows.equals("fail") && !badRows.equals("skip")) {
            throw s.wrong("on_bad_row", "fail or skip", s.fields().path("on_bad_row"));
        }
        // As in LLaMA-Factory, pt packs unless told otherwise, and sft only when told.
        boolean packing = s.flag("packing", stage == Stage.PT) | s.flag("neat_packing", false);
        // As there, packed rows are filled up to one token less, so that the same file gives the same rows.
        int cutoff = s.whole("cutoff_len", 2048, 8) - (packing ? 1 : 0);
        RowOptions rows = new RowOptions(cutoff, s.flag("train_on_prompt", false), s.flag("mask_history", false));
        if (rows.trainOnPrompt() && rows.maskHistory()) {
            throw s.wrong(
                    "mask_history",
                    "false beside train_on_prompt: true, because one trains what the other masks",
                    s.fields().path("mask_history"));
        }
        // Rows are always tokenized to disk and mapped from there, so a corpus may be larger than the memory.
        s.flag("streaming", false);
        return new Data(
                datasets,
                Path.of(s.text("dataset_dir", "data")),
                s.texts("eval_dataset"),
                s.number("val_size", 0, 0, 1e9),
                s.whole("max_samples", 1),
                badRows.equals("skip"),
                mix(s),
                rows,
                packing,
                s.optionalFlag("enable_thinking"),
                s.text("tokenized_path").map(Path::of));
    }

    private static Mix mix(Settings s) {
        Mix.Order order = s.parsed("mix_strategy", "concat", Mix.Order::parse);
        List<Double> shares = s.numbers("interleave_probs");
        Mix.Weights weights = s.text("mix_weights").isPresent()
                ? s.parsed("mix_weights", "", Mix.Weights::parse)
                : shares.isEmpty() ? Mix.Weights.TURNS : Mix.Weights.EXPLICIT;
        return new Mix(order, weights, shares, s.whole("seed", 42, 0));
    }

    private static Steps steps(Settings s) {
        double peak = s.number("learning_rate", 5e-5, 0, 10);
        return new Steps(
                s.whole("per_device_train_batch_size", 1, 1),
                s.whole("gradient_accumulation_steps", 1, 1),
                s.number("num_train_epochs", 3, 1e-6, 1e6),
                s.whole("max_steps", -1).filter(n -> n > 0),
                new OptimizerSettings(
                        s.choice("optim", "adamw_torch", OptimizerSettings.Kind.NAMES),
                        s.number("adam_beta1", 0.9, 0, 1),
                        s.number("adam_beta2", 0.999, 0, 1),
                        s.number("adam_epsilon", 1e-8, 0, 1),
                        s.number("weight_decay", 0, 0, 10),
                        true),
                s.number("layerwise_lr_decay", 1, 0.01, 1),
                peak,
                s.choice("lr_scheduler_type", "linear", LearningRate.Shape.NAMES),
                scheduleOptions(s, peak),
                s.number("warmup_ratio", 0, 0, 1),
                s.whole("warmup_steps", 0, 0),
                s.number("max_grad_norm", 1, 0, 1e9),
                s.number("neftune_noise_alpha", 0, 0, 1e3),
                s.flag("gradient_checkpointing", false),
                s.whole("seed", 42, 0),
                s.flag("group_by_length", false));
    }

    private static LearningRate.Options scheduleOptions(Settings s, double peak) {
        Optional<Settings> kwargs = s.nested("lr_scheduler_kwargs");
        if (kwargs.isEmpty()) {
            return LearningRate.Options.NONE;
        }
        Settings k = kwargs.get();
        double share = k.number("min_lr_rate", k.number("min_lr_ratio", 0, 0, 1), 0, 1);
        double floor =
                peak == 0 ? share : k.number("min_lr", k.number("lr_end", share * peak, 0, peak), 0, peak) / peak;
        LearningRate.Options options =
                new LearningRate.Options(floor, k.whole("num_decay_steps", 0, 0), k.number("power", 1, 0, 100));
        k.finish();
        return options;
    }

    /// The best model is the one of the lowest held-out loss; no other measure is known.
    private static boolean bestByLoss(Settings s) {
        String metric = s.text("metric_for_best_model", "eval_loss");
        if (!metric.equals("eval_loss") && !metric.equals("loss")) {
            throw s.wrong("metric_for_best_model", "eval_loss", s.fields().path("metric_for_best_model"));
        }
        if (s.flag("greater_is_better", false)) {
            throw s.wrong("greater_is_better", "false, for a loss", s.fields().path("greater_is_better"));
        }
        return s.flag("load_best_model_at_end", false);
    }

    private static Output output(Settings s, DType dtype) {
        Path directory = Path.of(s.text("output_dir").orElseThrow(() -> s.missing("output_dir", "where to write")));
        return new Output(
                directory,
                s.flag("overwrite_output_dir", false),
                s.flag("resume_from_checkpoint", true),
                s.whole("logging_steps", 10, 1),
                Every.read(s, "save", 500),
                s.whole("save_total_limit", 3, 1),
                Every.read(s, "eval", 0),
                s.whole("per_device_eval_batch_size", s.whole("per_device_train_batch_size", 1, 1), 1),
                s.flag("eval_on_start", false),
                s.whole("eval_samples", 2, 0),
                s.whole("early_stopping_steps", 0, 0),
                bestByLoss(s),
                s.parsed("save_dtype", dtype.torchName(), DType::parse));
    }
}
