package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.gguf.GgufPrecision;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu export gguf`: a model as one file for llama.cpp and the programs built on it.
@Command(
        name = "gguf",
        description = "Writes a model as a GGUF file, for llama.cpp and the programs built on it.",
        mixinStandardHelpOptions = true)
final class ExportGgufCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private FromModelToFile arguments = new FromModelToFile();

    @Option(
            names = "--type",
            paramLabel = "TYPE",
            defaultValue = "bf16",
            description = "f32, f16, bf16, q8_0 or q4_0 for the matrices; norms and biases are f32 (default: bf16).")
    private String type = "bf16";

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "f32, bf16 or f16: what the weights are read as before they are written (default: as saved; "
                    + "bf16 for quantised ones).")
    private @Nullable String dtype;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "What to call the model in the file (default: the name of its directory).")
    private @Nullable String name;

    @Override
    public Integer call() throws IOException {
        GgufPrecision precision = GgufPrecision.parse(type);
        Path target = arguments.output();
        if (Files.isDirectory(target)) {
            throw new CliException("The output is a folder, " + target + "; name a file, such as "
                    + target.resolve("model.gguf") + ".");
        }
        if (Files.exists(target) && Files.isSameFile(target, arguments.model())) {
            throw new CliException("The output is the model itself, which would be overwritten; name another file.");
        }
        String called = name == null ? Serving.name(arguments.model()) : name;
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        try (LanguageModel opened = arguments.open(ModelOptions.dtype(dtype))) {
            opened.saveGguf(target, called, precision).forEach(note -> out.println("Note: " + note + "."));
        }
        out.println("Wrote " + target + " (" + Files.size(target) / 1_000_000 + " MB).");
        return 0;
    }
}
