package dev.lingyu.cli;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `lingyu export`: models for other programs.
@Command(
        name = "export",
        description = "Writes a model for another program.",
        subcommands = {ExportGgufCommand.class})
final class ExportCommand implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(Objects.requireNonNull(spec).commandLine(), "Say what to do: export gguf.");
    }
}
