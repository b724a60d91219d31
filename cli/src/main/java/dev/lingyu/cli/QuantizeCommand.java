package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.WeightQuantization;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.kernel.Quantization;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu quantize`: a model's matrices in 8 or 4 bits, and what that costs.
@Command(
        name = "quantize",
        description = "Rounds a model's matrices to 8 or 4 bits and tells, on given text, what that costs.")
final class QuantizeCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private FromModelToFile arguments = new FromModelToFile();

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            defaultValue = "int8",
            description = "int8, int8-asymmetric, int4 or int4-asymmetric (default: int8).")
    private String method = "int8";

    @Option(
            names = "--no-head",
            description = "Keep the head as it is (and an embedding tied to it).")
    private boolean withoutHead;

    @Option(names = "--embeddings", description = "Round the token embedding too.")
    private boolean embeddings;

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = "Text to measure perplexity and logits on, before and after.")
    private @Nullable Path text;

    @Option(
            names = "--tokens",
            paramLabel = "N",
            defaultValue = "2048",
            description = "How many tokens of the text to measure on (default: 2048).")
    private int tokens = 2048;

    @Override
    public Integer call() throws IOException {
        Quantization chosen = Quantization.of(method);
        if (chosen == null) {
            throw new CliException("--method is " + method + "; expected " + WeightQuantization.methods() + ".");
        }
        if (tokens < 2) {
            throw new CliException("--tokens is " + tokens + "; expected 2 or more.");
        }
        Path source = arguments.model();
        OutputFolder target = OutputFolder.empty(arguments.output());
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        WeightQuantization how = new WeightQuantization(chosen, !withoutHead, embeddings);
        Optional<DType> type = arguments.plainType();
        LanguageModel.Options plain = new LanguageModel.Options(type, Device.CPU, false);
        try (LanguageModel rounded = LanguageModel.open(source, plain.quantized(how))) {
            long before = rounded.decoder().parameterCount()
                    * rounded.decoder().dtype().byteSize();
            rounded.save(target.path(), rounded.decoder().dtype());
            out.printf(
                    Locale.ROOT,
                    "Wrote %s: matrices in %s, %.0f MB of weights instead of %.0f MB.%n",
                    target.path(),
                    chosen.label(),
                    rounded.decoder().parameters().stream()
                                    .mapToLong(p -> p.byteCount())
                                    .sum()
                            / 1e6,
                    before / 1e6);
            if (text != null) {
                try (LanguageModel original = LanguageModel.open(source, plain)) {
                    out.println(QuantizationLoss.measure(original, rounded, Files.readString(text), tokens)
                            .sentence());
                }
            }
        }
        target.record("quantize", parents -> parents.put("model", source.toString())
                .put("method", chosen.label())
                .put("head", !withoutHead)
                .put("embeddings", embeddings));
        return 0;
    }
}
