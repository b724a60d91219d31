package dev.lingyu.cli;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `lingyu data`: what there is to learn from.
@Command(
        name = "data",
        description = "Shows what a model would learn from.",
        subcommands = {DataPreviewCommand.class})
final class DataCommand implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(Objects.requireNonNull(spec).commandLine(), "Say what to do: data preview.");
    }
}
