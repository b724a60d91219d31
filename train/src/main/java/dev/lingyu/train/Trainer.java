package dev.lingyu.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.LanguageModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The recipe of `stage: pt` and `stage: sft`, from a config to a trained model on disk.
///
/// ```
/// for each step:
///     for each micro-batch:  add the gradients of its share of the step's mean loss
///     clip, update with the schedule's rate
///     now and then: log, check on held-out rows, save
/// ```
///
/// A run may be killed at any instant: started again, it goes on from its newest whole checkpoint as if
/// nothing had happened, to the same bits.
public final class Trainer {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_SKIPPED_IN_A_ROW = 10;

    private final TrainConfig config;
    private final TrainingListener listener;
    private volatile boolean stopRequested;

    /// What came of a run.
    ///
    /// @param steps           updates made in all
    /// @param finished        false when it was asked to stop before its last step
    /// @param lastLoss        mean loss of the last logged interval, in nats
    /// @param evaluation      on held-out rows, where there are any
    /// @param tokensPerSecond of this process, saving and checking not counted
    /// @param seconds         of this process, all in all
    public record Result(
            int steps,
            boolean finished,
            double lastLoss,
            Optional<TrainingListener.EvaluationReport> evaluation,
            double tokensPerSecond,
            double seconds) {}

    public Trainer(TrainConfig config, TrainingListener listener) {
        this.config = config;
        this.listener = listener;
    }

    /// Asks the run to save and end after the current step. May be called from any thread.
    public void requestStop() {
        stopRequested = true;
    }

    /// Runs the config.
    ///
    /// @throws TrainException when input is wrong, the machine is too small, or the loss stays non-finite
    /// @throws IOException    when the output can't be written; checkpoints written before are whole
    public Result run() throws IOException {
        config.notices().forEach(listener::notice);
        Path output = config.output().directory();
        if (config.output().overwrite() || !config.output().resume()) {
            removeEarlierRun(output);
        }
        Optional<Checkpoint> checkpoint = Checkpoint.newest(output, listener);
        try (LanguageModel model = ModelSource.open(config)) {
            TrainingRows rows = TrainingRows.read(config, model.chatEncoder(), listener::tokenized);
            rows.notices().forEach(listener::notice);
            if (!rows.cuts().equals(RowCuts.NONE)) {
                listener.notice("cutoff_len " + config.data().cutoff() + ": "
                        + rows.cuts().words() + ".");
            }
            Files.createDirectories(output);
            TunedModel tuned = TunedModel.of(
                    model,
                    config.tuning(),
                    config.model().path(),
                    config.steps().seed());
            tuned.notice().ifPresent(listener::notice);
            return new Run(tuned, rows, checkpoint).train();
        }
    }

    private static void removeEarlierRun(Path output) throws IOException {
        for (Path directory : Checkpoint.directories(output)) {
            Checkpoint.deleteTree(directory);
        }
        Files.deleteIfExists(output.resolve(RunRecord.FILE));
        Files.deleteIfExists(output.resolve(TrainingLog.FILE));
    }

    /// One run with its model, rows and state.
    private final class Run {
        private final TunedModel tuned;
        private final LanguageModel model;
        private final TrainingRows rows;
        private final BatchOrder order;
        private final int totalSteps;
        private final LearningRate schedule;
        private final int firstStep;
        private final Optional<Checkpoint> checkpoint;
        private final long started = System.nanoTime();
        private long trainedTokens;
        private long trainedNanos;
        private int skippedInARow;
        private final String baseDigest;
        private int lastSaved = -1;

        Run(TunedModel tuned, TrainingRows rows, Optional<Checkpoint> checkpoint) throws IOException {
            this.tuned = tuned;
            this.model = tuned.model();
            this.rows = rows;
            this.checkpoint = checkpoint;
            baseDigest = config.model().scratch()
                    ? "fresh"
                    : Digests.weights(config.model().path().orElseThrow());
            TrainConfig.Steps steps = config.steps();
            order = new BatchOrder(
                    rows.train().size(),
                    steps.batchSize() * steps.accumulation(),
                    steps.seed(),
                    steps.groupByLength(),
                    rows::tokens);
            totalSteps = steps.maxSteps().orElse((int)
                    Math.max(1, Math.ceil(steps.epochs() * order.stepsPerEpoch() - 1e-9)));
            int warmup =
                    steps.warmupSteps() > 0 ? steps.warmupSteps() : (int) Math.ceil(steps.warmupRatio() * totalSteps);
            schedule = new LearningRate(
                    steps.schedule(), steps.learningRate(), warmup, totalSteps, steps.scheduleOptions());
            firstStep = checkpoint.map(Checkpoint::step).orElse(0);
            checkpoint.ifPresent(this::checkSameRun);
        }

        /// A checkpoint of other data or another schedule can't be gone on with.
        private void checkSameRun(Checkpoint c) {
            same(c, "data_sha256", rows.digest(), "the training rows (data, tokenizer, template or cutoff_len)");
            same(c, "total_steps", Integer.toString(totalSteps), "the number of steps");
            same(c, "base_sha256", baseDigest, "the weights of model_name_or_path");
            same(
                    c,
                    "tuning",
                    config.tuning().toString(),
                    "the finetuning settings (finetuning_type and what goes with it)");
            same(c, "steps_config", config.steps().toString(), "the optimiser or batch settings");
        }

        private void same(Checkpoint c, String field, String now, String what) {
            String then = c.state().path(field).asText();
            if (!then.equals(now)) {
                throw TrainException.input(
                        config.output().directory() + " holds " + c.directory().getFileName()
                                + " of a run that differs in " + what + " (then " + then + ", now " + now
                                + "). Give the run another output_dir, or start anew with overwrite_output_dir: true.");
            }
        }

        Result train() throws IOException {
            long trainable = tuned.trainableCount();
            MemoryPlan memory = plan(trainable);
            memory.check();
            checkDisk(trainable);
            RunRecord record = RunRecord.start(config, model, rows, baseDigest);
            record.write("running");
            try (Optimizer optimizer = optimizer();
                    TrainingLog log = TrainingLog.open(config.output().directory(), firstStep)) {
                checkpoint.ifPresent(c -> {
                    c.restore(optimizer, tuned);
                    lastSaved = c.step();
                    listener.notice("Going on from " + c.directory().getFileName() + ".");
                });
                listener.started(new TrainingListener.RunPlan(
                        model.decoder().parameterCount(),
                        trainable,
                        rows.train().size(),
                        rows.trainTokens(),
                        totalSteps,
                        firstStep,
                        memory));
                return steps(optimizer, log, record);
            }
        }

        private Optimizer optimizer() {
            OptimizerSettings settings = config.steps().optimizer();
            LayerRates rates = LayerRates.of(model.decoder(), config.steps().layerDecay());
            return settings.kind() == OptimizerSettings.Kind.ADAFACTOR
                    ? new Adafactor(tuned.parameters(), settings, rates)
                    : new AdamW(tuned.parameters(), settings, rates);
        }

        private MemoryPlan plan(long trainable) {
            int longest = rows.longest();
            long atOnce =
                    (long) Math.min(config.steps().batchSize(), rows.train().size()) * longest;
            return MemoryPlan.of(
                    model.decoder().config(),
                    model.decoder().dtype(),
                    model.decoder().parameterCount(),
                    trainable,
                    atOnce,
                    longest,
                    config.steps().recompute());
        }

        private void checkDisk(long trainable) throws IOException {
            long needed = 12 * trainable + tuned.savedBytes(config.output().saveDtype());
            long free = Files.getFileStore(config.output().directory()).getUsableSpace();
            if (free < needed) {
                throw TrainException.input(
                        "%s has %s of free disk; one checkpoint needs %s. Free some, or choose another output_dir."
                                .formatted(
                                        config.output().directory(),
                                        MemoryPlan.gigabytes(free),
                                        MemoryPlan.gigabytes(needed)));
            }
        }

        private Result steps(Optimizer optimizer, TrainingLog log, RunRecord record) throws IOException {
            CausalLmObjective objective = new CausalLmObjective(
                    model.decoder(), optimizer, config.steps().recompute());
            TrainConfig.Output output = config.output();
            CausalLmObjective.Outcome logged = CausalLmObjective.Outcome.NONE;
            double lastLoss = Double.NaN;
            Optional<TrainingListener.EvaluationReport> evaluation = Optional.empty();
            int done = firstStep;
            if (done == 0 && output.evalOnStart() && !rows.validation().isEmpty()) {
                TrainingListener.EvaluationReport before = evaluate();
                log.evaluation(0, before);
                listener.evaluated(0, before);
            }
            while (done < totalSteps && !stopRequested) {
                TrainingListener.StepReport report = step(objective, optimizer, done);
                done++;
                logged = logged.plus(new CausalLmObjective.Outcome(report.loss(), 1, 0));
                listener.step(report);
                if (done % output.loggingSteps() == 0 || done == totalSteps) {
                    lastLoss = logged.meanLoss();
                    log.step(report, lastLoss);
                    logged = CausalLmObjective.Outcome.NONE;
                }
                boolean last = done == totalSteps;
                if (!rows.validation().isEmpty()
                        && (last || output.evalSteps() > 0 && done % output.evalSteps() == 0)) {
                    evaluation = Optional.of(evaluate());
                    log.evaluation(done, evaluation.get());
                    listener.evaluated(done, evaluation.get());
                }
                if (!last && output.saveSteps() > 0 && done % output.saveSteps() == 0) {
                    save(optimizer, done);
                }
            }
            boolean finished = done >= totalSteps;
            if (done > lastSaved) {
                save(optimizer, done);
            }
            double seconds = (System.nanoTime() - started) / 1e9;
            double speed = trainedNanos == 0 ? 0 : trainedTokens * 1e9 / trainedNanos;
            Result result = new Result(done, finished, lastLoss, evaluation, speed, seconds);
            if (finished) {
                tuned.save(output.directory(), output.saveDtype());
                metrics(record, result);
                record.write("finished");
            } else {
                record.write("stopped at step " + done);
            }
            return result;
        }

        private TrainingListener.StepReport step(CausalLmObjective objective, Optimizer optimizer, int step) {
            long begun = System.nanoTime();
            List<TrainingRow> batch =
                    order.step(step).stream().map(rows.train()::get).toList();
            long labels = batch.stream().mapToLong(TrainingRow::labelCount).sum();
            long tokens = batch.stream().mapToLong(r -> r.ids().length).sum();
            CausalLmObjective.Outcome outcome = CausalLmObjective.Outcome.NONE;
            int size = config.steps().batchSize();
            for (int from = 0; from < batch.size(); from += size) {
                List<TrainingRow> micro = batch.subList(from, Math.min(batch.size(), from + size));
                outcome = outcome.plus(objective.accumulate(micro, 1.0 / labels));
            }
            double norm = optimizer.gradientNorm();
            double rate = schedule.at(step);
            boolean finite = Double.isFinite(outcome.loss()) && Double.isFinite(norm);
            if (finite) {
                optimizer.clip(norm, config.steps().maxGradNorm());
                optimizer.step(rate);
                skippedInARow = 0;
            } else {
                optimizer.clearGradients();
                refuseEndlessSkipping(step, outcome.meanLoss(), norm);
            }
            long nanos = System.nanoTime() - begun;
            trainedTokens += tokens;
            trainedNanos += nanos;
            double eta = trainedNanos / 1e9 / (step + 1 - firstStep) * (totalSteps - step - 1);
            return new TrainingListener.StepReport(
                    step + 1,
                    totalSteps,
                    (step + 1.0) / order.stepsPerEpoch(),
                    outcome.meanLoss(),
                    rate,
                    norm,
                    tokens,
                    tokens * 1e9 / nanos,
                    eta,
                    !finite);
        }

        private void refuseEndlessSkipping(int step, double loss, double norm) {
            listener.notice("Step " + (step + 1) + " was skipped: loss " + loss + ", gradient norm " + norm + ".");
            if (++skippedInARow >= MAX_SKIPPED_IN_A_ROW) {
                throw new TrainException(
                        TrainException.Kind.FAILURE,
                        ("Loss or gradients were not finite in %d steps in a row (up to step %d), so the run was ended; the last "
                                        + "checkpoint is from before. Lower learning_rate (now %s), set max_grad_norm: 1, or train in "
                                        + "f32 (bf16: false).")
                                .formatted(
                                        skippedInARow, step + 1, config.steps().learningRate()));
            }
        }

        private TrainingListener.EvaluationReport evaluate() {
            CausalLmObjective.Outcome outcome = CausalLmObjective.Outcome.NONE;
            int size = config.steps().batchSize();
            for (int from = 0; from < rows.validation().size(); from += size) {
                outcome = outcome.plus(CausalLmObjective.evaluate(
                        model.decoder(),
                        rows.validation()
                                .subList(from, Math.min(rows.validation().size(), from + size))));
            }
            return new TrainingListener.EvaluationReport(
                    outcome.meanLoss(), outcome.labels() == 0 ? 0 : (double) outcome.correct() / outcome.labels());
        }

        private void save(Optimizer optimizer, int step) throws IOException {
            ObjectNode state = JSON.createObjectNode();
            state.put("data_sha256", rows.digest());
            state.put("total_steps", Integer.toString(totalSteps));
            state.put("base_sha256", baseDigest);
            state.put("tuning", config.tuning().toString());
            state.put("steps_config", config.steps().toString());
            state.put("epoch", (double) step / order.stepsPerEpoch());
            Path path = Checkpoint.write(
                    config.output().directory(), step, tuned, config.output().saveDtype(), optimizer, state);
            lastSaved = step;
            Checkpoint.keepNewest(config.output().directory(), config.output().saveLimit());
            listener.saved(step, path);
        }

        private void metrics(RunRecord record, Result result) {
            ObjectNode metrics = record.fields().putObject("metrics");
            metrics.put("steps", result.steps());
            metrics.put("train_loss", result.lastLoss());
            result.evaluation().ifPresent(e -> {
                metrics.put("eval_loss", e.loss());
                metrics.put("eval_perplexity", e.perplexity());
                metrics.put("eval_token_accuracy", e.accuracy());
            });
            metrics.put("tokens_per_second", result.tokensPerSecond());
            metrics.put("seconds", result.seconds());
            metrics.put("parameters", model.decoder().parameterCount());
            metrics.put("trained_parameters", tuned.trainableCount());
            metrics.put("rows", rows.train().size());
            metrics.put("tokens_per_epoch", rows.trainTokens());
        }
    }

    /// Whether a directory holds a finished run.
    public static boolean isFinished(Path output) {
        return RunRecord.read(output)
                .map(r -> r.path("status").asText().equals("finished"))
                .orElse(false);
    }

    /// Whether a directory holds anything of a run.
    public static boolean isBegun(Path output) {
        return !new ArrayList<>(Checkpoint.directories(output)).isEmpty();
    }
}
