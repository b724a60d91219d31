package dev.lingyu.cli;

import dev.lingyu.cli.inspect.Inspection;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `lingyu inspect`: what a checkpoint, an adapter, a dataset or a run is, and where it came from. Weights
/// are not read, only the headers of their files.
@Command(name = "inspect", description = "Says what a checkpoint, adapter, dataset or run is, and where it came from.")
final class InspectCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(
            paramLabel = "DIR",
            description = "A model directory, a GGUF file, an adapter, a run, a dataset file or folder.")
    private @Nullable Path path;

    @Override
    public Integer call() throws IOException {
        String words = Inspection.of(Objects.requireNonNull(path)).toString();
        Objects.requireNonNull(spec).commandLine().getOut().print(words);
        return 0;
    }
}
