package dev.lingyu.train;

import dev.lingyu.model.LanguageModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
            return new TrainingRun(config, listener, tuned, rows, checkpoint, () -> stopRequested).train();
        }
    }

    private static void removeEarlierRun(Path output) throws IOException {
        for (Path directory : Checkpoint.directories(output)) {
            Checkpoint.deleteTree(directory);
        }
        Files.deleteIfExists(output.resolve(RunRecord.FILE));
        Files.deleteIfExists(output.resolve(TrainingLog.FILE));
        Files.deleteIfExists(output.resolve(SampleAnswers.FILE));
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
