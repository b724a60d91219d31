package dev.lingyu.cli;

import dev.lingyu.train.TrainConfig;
import dev.lingyu.train.Trainer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `lingyu train CONFIG.yaml [key=value …]`: one training stage. SIGTERM and Ctrl-C save a checkpoint first;
/// started again, the run goes on.
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        description = "Runs a training stage: post-training (stage: pt) or supervised fine-tuning (stage: sft).")
final class TrainCommand implements Callable<Integer> {

    @Parameters(index = "0", paramLabel = "CONFIG.yaml", description = "The run's settings.")
    private Path config = Path.of("");

    @Parameters(index = "1..*", paramLabel = "key=value", description = "Settings that win over the file's.")
    private List<String> overrides = List.of();

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        TrainConfig run = TrainConfig.read(config, overrides);
        if (Trainer.isFinished(run.output().directory())
                && run.output().resume()
                && !run.output().overwrite()) {
            out.println("This run is finished already: " + run.output().directory()
                    + " (overwrite_output_dir=true starts it anew).");
            return 0;
        }
        String name = "train " + run.stage().name().toLowerCase(java.util.Locale.ROOT);
        Trainer.Result result = StoppableRun.run(run, new TrainingProgress(name, out));
        if (result.finished()) {
            out.printf("Saved to %s.%n", run.output().directory());
        } else {
            out.printf(
                    "Stopped after step %d; the same command goes on from there (%s).%n",
                    result.steps(), run.output().directory());
        }
        return 0;
    }
}
