package dev.lingyu.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.MachineLimits;
import dev.lingyu.tensor.NativeMemory;
import dev.lingyu.train.report.LogHistory;
import dev.lingyu.train.report.RunReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/// One run with its model, rows and state; [Trainer] prepares it.
final class TrainingRun {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_SKIPPED_IN_A_ROW = 10;

    private final TrainConfig config;
    private final TrainingListener listener;
    private final TunedModel tuned;
    private final LanguageModel model;
    private final TrainingRows rows;
    private final BooleanSupplier stopRequested;
    private final BatchOrder order;
    private final int totalSteps;
    private final LearningRate schedule;
    private final int firstStep;
    private final Optional<Checkpoint> checkpoint;
    private final String baseDigest;
    private final Machine machine;
    private final long started = System.nanoTime();

    // ---- what a checkpoint holds besides weights and optimiser
    private final LossScaler scaler;
    private final BestSoFar best = new BestSoFar();
    private Interval interval = Interval.EMPTY;

    // ---- what one process counts
    private long trainedTokens;
    private long trainedNanos;
    private int skippedInARow;
    private int lastSaved = -1;
    private Speed speed = new Speed(0, 0);
    private long planned;
    private boolean peakIsThisRuns;

    /// The steps since the last line of the log.
    private record Interval(double loss, int steps) {
        static final Interval EMPTY = new Interval(0, 0);

        Interval plus(double more) {
            return new Interval(loss + more, steps + 1);
        }

        double mean() {
            return loss / steps;
        }

        String state() {
            return loss + " " + steps;
        }

        static Interval of(String state) {
            String[] parts = state.split(" ");
            return parts.length == 2 ? new Interval(Double.parseDouble(parts[0]), Integer.parseInt(parts[1])) : EMPTY;
        }
    }

    /// The yardstick of MFU.
    ///
    /// @param flopsPerToken of the model's own matrix products
    /// @param peak          of this machine [FLOP/s]; 0 before it is measured
    private record Speed(double flopsPerToken, double peak) {
        double mfu(double tokensPerSecond) {
            return peak == 0 ? 0 : flopsPerToken * tokensPerSecond / peak;
        }
    }

    TrainingRun(
            TrainConfig config,
            TrainingListener listener,
            TunedModel tuned,
            TrainingRows rows,
            Optional<Checkpoint> checkpoint,
            BooleanSupplier stopRequested)
            throws IOException {
        this.config = config;
        this.listener = listener;
        this.tuned = tuned;
        this.model = tuned.model();
        this.rows = rows;
        this.checkpoint = checkpoint;
        this.stopRequested = stopRequested;
        baseDigest = config.model().scratch()
                ? "fresh"
                : Digests.weights(config.model().path().orElseThrow());
        machine = Machine.of(model);
        scaler = new LossScaler(config.model().dtype() == DType.F16);
        TrainConfig.Steps steps = config.steps();
        order = new BatchOrder(
                rows.train().size(),
                steps.batchSize() * steps.accumulation(),
                steps.seed(),
                steps.groupByLength(),
                rows::tokens);
        totalSteps =
                steps.maxSteps().orElse((int) Math.max(1, Math.ceil(steps.epochs() * order.stepsPerEpoch() - 1e-9)));
        int warmup = steps.warmupSteps() > 0 ? steps.warmupSteps() : (int) Math.ceil(steps.warmupRatio() * totalSteps);
        schedule =
                new LearningRate(steps.schedule(), steps.learningRate(), warmup, totalSteps, steps.scheduleOptions());
        firstStep = checkpoint.map(Checkpoint::step).orElse(0);
        checkpoint.ifPresent(this::checkSameRun);
    }

    /// A checkpoint of other data or another schedule can't be gone on with; one of another machine can, but
    /// not to the same bits.
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
        String then = c.state().path("machine").asText();
        if (!then.equals(machine.toString())) {
            listener.notice("This checkpoint was written elsewhere (" + then + "; now " + machine
                    + "): the run goes on, but its bits may differ from those of an uninterrupted one.");
        }
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

    Trainer.Result train() throws IOException {
        long trainable = tuned.trainableCount();
        MemoryPlan memory = plan();
        memory.check();
        planned = memory.total();
        peakIsThisRuns = NativeMemory.beginPeak();
        checkDisk(trainable);
        RunRecord record = RunRecord.start(config, model, rows, baseDigest);
        record.write("running");
        SampleAnswers.forgetAfter(config.output().directory(), firstStep);
        try (Optimizer optimizer = optimizer();
                TrainingLog log = TrainingLog.open(config.output().directory(), firstStep)) {
            checkpoint.ifPresent(c -> restore(c, optimizer));
            speed = new Speed(FlopCount.perToken(model.decoder(), optimizer), gemmPeak());
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

    private double gemmPeak() {
        return 1e9
                * MachineLimits.gemmPeak(
                        model.decoder().dtype(), model.decoder().device(), 1024, 20);
    }

    private void restore(Checkpoint c, Optimizer optimizer) {
        c.restore(optimizer, tuned);
        scaler.restore(c.state().path("scaler").asText());
        best.restore(c.state().path("best").asText());
        interval = Interval.of(c.state().path("interval").asText());
        lastSaved = c.step();
        listener.notice("Going on from " + c.directory().getFileName() + ".");
    }

    private Optimizer optimizer() {
        OptimizerSettings settings = config.steps().optimizer();
        LayerRates rates = LayerRates.of(model.decoder(), config.steps().layerDecay());
        return settings.kind() == OptimizerSettings.Kind.ADAFACTOR
                ? new Adafactor(tuned.parameters(), settings, rates)
                : new AdamW(tuned.parameters(), settings, rates);
    }

    private MemoryPlan plan() {
        int longest = rows.longest();
        long atOnce = (long) Math.min(config.steps().batchSize(), rows.train().size()) * longest;
        return MemoryPlan.of(
                model.decoder().config(),
                model.decoder().dtype(),
                MemoryPlan.Weights.of(
                        model.decoder(),
                        tuned.parameters(),
                        config.steps().optimizer().kind()),
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

    private Trainer.Result steps(Optimizer optimizer, TrainingLog log, RunRecord record) throws IOException {
        CausalLmObjective objective = new CausalLmObjective(
                model.decoder(),
                optimizer,
                config.steps().recompute(),
                new Neftune(config.steps().neftuneAlpha(), config.steps().seed()));
        TrainConfig.Output output = config.output();
        double lastLoss = Double.NaN;
        Optional<TrainingListener.EvaluationReport> evaluation = Optional.empty();
        int done = firstStep;
        if (done == 0 && output.evalOnStart() && !rows.validation().isEmpty()) {
            check(log, 0);
        }
        boolean exhausted = best.exhausted(output.patience());
        while (done < totalSteps && !exhausted && !stopRequested.getAsBoolean()) {
            TrainingListener.StepReport report = step(objective, optimizer, done);
            done++;
            interval = interval.plus(report.loss());
            listener.step(report);
            boolean last = done == totalSteps;
            if (done % output.loggingSteps() == 0 || last) {
                lastLoss = interval.mean();
                log.step(report, lastLoss);
                interval = Interval.EMPTY;
            }
            boolean improved = false;
            if (!rows.validation().isEmpty() && (last || output.evalEvery().due(done, order.stepsPerEpoch()))) {
                evaluation = Optional.of(check(log, done));
                improved = best.check(done, evaluation.get().loss());
                exhausted = best.exhausted(output.patience());
            }
            boolean due = output.saveEvery().due(done, order.stepsPerEpoch());
            if (!last && (due || improved && output.loadBest())) {
                save(optimizer, done);
            }
        }
        if (exhausted) {
            listener.notice("Ended early at step " + done + ": no check since step " + best.step()
                    + " found a better held-out loss (early_stopping_steps: " + output.patience() + ").");
        }
        if (done > lastSaved) {
            save(optimizer, done);
        }
        boolean finished = done >= totalSteps || exhausted;
        double seconds = (System.nanoTime() - started) / 1e9;
        double tokensPerSecond = trainedNanos == 0 ? 0 : trainedTokens * 1e9 / trainedNanos;
        Trainer.Result result = new Trainer.Result(done, finished, lastLoss, evaluation, tokensPerSecond, seconds);
        if (finished) {
            finish(optimizer, record, result);
        } else {
            record.write("stopped at step " + done);
        }
        return result;
    }

    /// Writes the model of the last step, or of the best check, and what people look at.
    private void finish(Optimizer optimizer, RunRecord record, Trainer.Result result) throws IOException {
        TrainConfig.Output output = config.output();
        if (output.loadBest() && best.step() >= 0 && best.step() < result.steps()) {
            Optional<Checkpoint> of = Checkpoint.at(output.directory(), best.step());
            of.ifPresent(c -> c.restore(optimizer, tuned));
            listener.notice(
                    of.isPresent()
                            ? "The result is the model of step " + best.step() + ", the best check (loss " + best.loss()
                                    + ")."
                            : "The checkpoint of the best check, step " + best.step()
                                    + ", is gone: the result is the model of the last step.");
        }
        tuned.save(output.directory(), output.saveDtype(), optimizer);
        metrics(record, result);
        new RunReport(
                        output.directory(),
                        record.fields(),
                        LogHistory.read(output.directory().resolve(TrainingLog.FILE)),
                        SampleAnswers.read(output.directory()))
                .write();
        record.write("finished");
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
            outcome = outcome.plus(objective.accumulate(micro, scaler.scale() / labels));
        }
        double norm = optimizer.gradientNorm() / scaler.scale();
        double rate = schedule.at(step);
        boolean finite = Double.isFinite(outcome.loss()) && Double.isFinite(norm);
        if (finite) {
            optimizer.clip(norm, config.steps().maxGradNorm());
            optimizer.scaleGradients(1 / scaler.scale());
            optimizer.step(rate);
            scaler.good();
            skippedInARow = 0;
        } else {
            optimizer.clearGradients();
            skip(step, outcome.meanLoss(), norm);
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
                speed.mfu(tokens * 1e9 / nanos),
                eta,
                !finite);
    }

    /// Nothing is changed in a step whose loss or gradients are not finite; many in a row end the run.
    private void skip(int step, double loss, double norm) {
        if (Double.isFinite(loss) && scaler.canShrink()) {
            scaler.overflowed();
            listener.notice("Step " + (step + 1) + " overflowed in f16 and was skipped; the loss scale is now "
                    + scaler.scale() + ".");
            return;
        }
        listener.notice("Step " + (step + 1) + " was skipped: loss " + loss + ", gradient norm " + norm + ".");
        if (++skippedInARow >= MAX_SKIPPED_IN_A_ROW) {
            throw new TrainException(
                    TrainException.Kind.FAILURE,
                    ("Loss or gradients were not finite in %d steps in a row (up to step %d), so the run was ended; the last "
                                    + "checkpoint is from before. Lower learning_rate (now %s), set max_grad_norm: 1, or train in "
                                    + "f32 (bf16: false).")
                            .formatted(skippedInARow, step + 1, config.steps().learningRate()));
        }
    }

    /// Loss and accuracy on the held-out rows, and some answers.
    private TrainingListener.EvaluationReport check(TrainingLog log, int step) throws IOException {
        CausalLmObjective.Outcome outcome = CausalLmObjective.Outcome.NONE;
        int size = config.output().evalBatch();
        List<TrainingRow> held = rows.validation();
        for (int from = 0; from < held.size(); from += size) {
            outcome = outcome.plus(CausalLmObjective.evaluate(
                    model.decoder(), held.subList(from, Math.min(held.size(), from + size))));
        }
        TrainingListener.EvaluationReport report = new TrainingListener.EvaluationReport(
                outcome.meanLoss(), outcome.labels() == 0 ? 0 : (double) outcome.correct() / outcome.labels());
        log.evaluation(step, report);
        listener.evaluated(step, report);
        List<SampleAnswers.Answer> answers =
                new SampleAnswers(model, held, config.output().evalSamples()).ask();
        SampleAnswers.append(config.output().directory(), step, answers);
        answers.forEach(a -> listener.answered(step, a.prompt(), a.expected(), a.answer()));
        return report;
    }

    private void save(Optimizer optimizer, int step) throws IOException {
        ObjectNode state = JSON.createObjectNode();
        state.put("data_sha256", rows.digest());
        state.put("total_steps", Integer.toString(totalSteps));
        state.put("base_sha256", baseDigest);
        state.put("tuning", config.tuning().toString());
        state.put("steps_config", config.steps().toString());
        state.put("machine", machine.toString());
        state.put("scaler", scaler.state());
        state.put("best", best.state());
        state.put("interval", interval.state());
        state.put("epoch", (double) step / order.stepsPerEpoch());
        Path path = Checkpoint.write(
                config.output().directory(), step, tuned, config.output().saveDtype(), optimizer, state);
        lastSaved = step;
        Checkpoint.keepNewest(
                config.output().directory(),
                config.output().saveLimit(),
                config.output().loadBest() ? best.step() : -1);
        listener.saved(step, path);
    }

    private void metrics(RunRecord record, Trainer.Result result) {
        ObjectNode metrics = record.fields().putObject("metrics");
        metrics.put("steps", result.steps());
        metrics.put("train_loss", result.lastLoss());
        result.evaluation().ifPresent(e -> {
            metrics.put("eval_loss", e.loss());
            metrics.put("eval_perplexity", e.perplexity());
            metrics.put("eval_token_accuracy", e.accuracy());
        });
        if (best.step() >= 0) {
            metrics.put("best_step", best.step());
            metrics.put("best_eval_loss", best.loss());
        }
        // A machine that was busy at the start had a low peak then: the better of both ends counts.
        speed = new Speed(speed.flopsPerToken(), Math.max(speed.peak(), gemmPeak()));
        metrics.put("tokens_per_second", result.tokensPerSecond());
        metrics.put("mfu", speed.mfu(result.tokensPerSecond()));
        metrics.put("gemm_peak_gflops", speed.peak() / 1e9);
        metrics.put("seconds", result.seconds());
        metrics.put("planned_memory_bytes", planned);
        if (peakIsThisRuns) {
            NativeMemory.peakResident().ifPresent(peak -> metrics.put("peak_memory_bytes", peak));
        }
        metrics.put("parameters", model.decoder().parameterCount());
        metrics.put("trained_parameters", tuned.trainableCount());
        metrics.put("rows", rows.train().size());
        metrics.put("tokens_per_epoch", rows.trainTokens());
    }
}
