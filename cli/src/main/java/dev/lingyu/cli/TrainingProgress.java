package dev.lingyu.cli;

import dev.lingyu.train.MemoryPlan;
import dev.lingyu.train.TrainingListener;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/// Tells a person how a run goes: the plan before, one line while it runs, checks and checkpoints as they
/// happen.
final class TrainingProgress implements TrainingListener {
    private final String name;
    private final PrintWriter out;
    private final TokenizingProgress tokenizing = new TokenizingProgress(System.err);
    private Optional<Progress> progress = Optional.empty();

    TrainingProgress(String name, PrintWriter out) {
        this.name = name;
        this.out = out;
    }

    @Override
    public void notice(String sentence) {
        out.println(sentence);
    }

    @Override
    public void tokenized(long examples, long rows) {
        tokenizing.tokenized(examples);
    }

    @Override
    public void started(RunPlan plan) {
        out.printf(
                Locale.ROOT,
                "%s: %,d weights, %,d trained (%.1f %%); %,d rows, %,d tokens an epoch; %,d steps.%n",
                name,
                plan.parameters(),
                plan.trainable(),
                100.0 * plan.trainable() / plan.parameters(),
                plan.rows(),
                plan.tokens(),
                plan.totalSteps());
        MemoryPlan memory = plan.memory();
        out.printf(
                "Memory: about %s (weights %s, gradients %s, optimiser %s, activations %s, logits %s)%s.%n",
                MemoryPlan.gigabytes(memory.total()),
                MemoryPlan.gigabytes(memory.weights()),
                MemoryPlan.gigabytes(memory.gradients()),
                MemoryPlan.gigabytes(memory.optimizer()),
                MemoryPlan.gigabytes(memory.activations()),
                MemoryPlan.gigabytes(memory.logits()),
                memory.available() < 0 ? "" : " of " + MemoryPlan.gigabytes(memory.available()) + " free");
        out.flush();
        Progress started = Progress.start(name, "steps", plan.totalSteps());
        started.advanceTo(plan.firstStep());
        progress = Optional.of(started);
    }

    @Override
    public void step(StepReport report) {
        progress.ifPresent(p -> {
            p.say(String.format(
                    Locale.ROOT,
                    "loss %.3f, lr %.2e, grad norm %.2f, %,.0f tokens/s, MFU %.2f",
                    report.loss(),
                    report.learningRate(),
                    report.gradientNorm(),
                    report.tokensPerSecond(),
                    report.mfu()));
            p.advanceTo(report.step());
            if (report.step() == report.totalSteps()) {
                p.close();
            }
        });
    }

    @Override
    public void evaluated(int step, EvaluationReport report) {
        out.printf(
                Locale.ROOT,
                "step %d: held-out loss %.4f, perplexity %.2f, token accuracy %.1f %%%n",
                step,
                report.loss(),
                report.perplexity(),
                100 * report.accuracy());
        out.flush();
    }

    @Override
    public void answered(int step, String prompt, String expected, String answer) {
        out.printf("  … %s%n    said     %s%n    expected %s%n", tail(prompt), line(answer), line(expected));
        out.flush();
    }

    private static String line(String text) {
        String one = text.strip().replaceAll("\\s+", " ");
        return one.length() > 100 ? one.substring(0, 99) + "…" : one;
    }

    private static String tail(String text) {
        String one = text.strip().replaceAll("\\s+", " ");
        return one.length() > 60 ? "…" + one.substring(one.length() - 59) : one;
    }

    @Override
    public void saved(int step, Path checkpoint) {
        if (progress.isEmpty()) {
            out.println("Saved " + checkpoint.getFileName() + ".");
        }
    }
}
