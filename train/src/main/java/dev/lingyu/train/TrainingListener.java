package dev.lingyu.train;

import java.nio.file.Path;

/// Hears how a run goes on. Called on the training thread.
public interface TrainingListener {
    /// Something the user should know, as a sentence.
    default void notice(String sentence) {}

    /// Rows are being made; not called where an earlier run left them.
    ///
    /// @param examples read so far
    /// @param rows     written so far
    default void tokenized(long examples, long rows) {}

    /// The run is about to take its first step.
    default void started(RunPlan plan) {}

    /// A step was taken.
    default void step(StepReport report) {}

    /// The model was checked on rows it does not learn from.
    default void evaluated(int step, EvaluationReport report) {}

    /// The model was asked a held-out row.
    ///
    /// @param prompt   what it saw
    /// @param expected the row's own continuation
    /// @param answer   what it said, greedily
    default void answered(int step, String prompt, String expected, String answer) {}

    /// A checkpoint was written.
    default void saved(int step, Path checkpoint) {}

    /// What will happen.
    ///
    /// @param parameters  weights of the model
    /// @param trainable   weights that change
    /// @param rows        sequences per epoch
    /// @param tokens      tokens per epoch
    /// @param totalSteps  updates of the whole run
    /// @param firstStep   the step to begin with: 0, or where a checkpoint left off
    /// @param memory      what will be needed
    record RunPlan(
            long parameters, long trainable, int rows, long tokens, int totalSteps, int firstStep, MemoryPlan memory) {}

    /// One update.
    ///
    /// @param step            counted from 1
    /// @param totalSteps      updates of the run
    /// @param epoch           as a fraction, such as 1.25
    /// @param loss            mean per label, in nats
    /// @param learningRate    of this update
    /// @param gradientNorm    before clipping
    /// @param tokens          in this update
    /// @param tokensPerSecond of this update
    /// @param mfu             share of the machine's GEMM peak that the model's own matrix products used
    /// @param etaSeconds      until the last update, at the mean speed so far
    /// @param skipped         whether loss or gradients were not finite, so that nothing was changed
    record StepReport(
            int step,
            int totalSteps,
            double epoch,
            double loss,
            double learningRate,
            double gradientNorm,
            long tokens,
            double tokensPerSecond,
            double mfu,
            double etaSeconds,
            boolean skipped) {}

    /// The outcome on held-out rows.
    ///
    /// @param loss     mean per label, in nats
    /// @param accuracy share of labels that were the most likely token
    record EvaluationReport(double loss, double accuracy) {
        /// `e^loss`.
        public double perplexity() {
            return Math.exp(loss);
        }
    }
}
