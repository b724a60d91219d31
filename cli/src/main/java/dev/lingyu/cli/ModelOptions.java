package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The options of commands that run a model: which, in which type, where.
final class ModelOptions {
    private static final List<DType> TYPES = List.of(DType.F32, DType.BF16, DType.F16);

    @Option(names = "--model", paramLabel = "DIR", required = true, description = "A Hugging Face model directory.")
    private @Nullable Path directory;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "f32, bf16 or f16 (default: as the weights were saved).")
    private @Nullable String dtype;

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "auto",
            description = "cpu, cuda, cuda:N or auto (default: auto, a GPU where there is one).")
    private String device = "auto";

    /// Where the model is.
    Path directory() {
        return Objects.requireNonNull(directory);
    }

    /// Opens the model read-only; the caller closes it.
    LanguageModel open() {
        return LanguageModel.open(directory(), options());
    }

    /// How to hold it: read-only, in the type and on the device that were asked for.
    LanguageModel.Options options() {
        Optional<DType> type = Optional.ofNullable(dtype).map(DType::parse);
        if (type.isPresent() && !TYPES.contains(type.get())) {
            throw new CliException("--dtype is " + dtype + "; expected f32, bf16 or f16.");
        }
        return new LanguageModel.Options(type, Device.parse(device), false);
    }
}
