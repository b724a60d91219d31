package dev.lingyu.cli;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `lingyu tokenizer`: makes vocabularies.
@Command(
        name = "tokenizer",
        description = "Trains a tokenizer, or teaches one the words of a domain.",
        subcommands = {TokenizerTrainCommand.class, TokenizerExtendCommand.class})
final class TokenizerCommand implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                Objects.requireNonNull(spec).commandLine(), "Say what to do: tokenizer train or tokenizer extend.");
    }
}
