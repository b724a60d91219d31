package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.gguf.GgufModel;
import dev.lingyu.tensor.DType;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu convert`: a GGUF file, or a directory in an older format, as a Hugging Face directory.
@Command(
        name = "convert",
        description = "Writes a GGUF file, or a model directory in an older format, as a Hugging Face directory.")
final class ConvertCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private FromModelToFile arguments = new FromModelToFile();

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "f32, bf16 or f16 (default: as saved; bf16 for quantised weights).")
    private @Nullable String dtype;

    @Override
    public Integer call() throws IOException {
        Path source = arguments.model();
        OutputFolder target = OutputFolder.empty(arguments.output());
        Optional<DType> type = ModelOptions.dtype(dtype);
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        try (LanguageModel opened = arguments.open(type)) {
            if (Files.isRegularFile(source)) {
                GgufModel file = GgufModel.open(source);
                out.println(
                        "Unpacked " + source + ": " + file.cost(opened.decoder().dtype(), false) + ".");
                out.flush();
            }
            opened.save(target.path(), opened.decoder().dtype());
        }
        target.record("convert", parents -> parents.put("model", source.toString()));
        out.println("Wrote " + target.path() + ".");
        return 0;
    }
}
