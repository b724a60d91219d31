package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.gguf.GgufModel;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// The arguments of commands that write a model in another format: from where, to where. Both may be given by
/// place or by name.
final class FromModelToFile {
    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec spec;

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "MODEL",
            description = "A Hugging Face model directory, or a GGUF file; or --model.")
    private @Nullable Path modelByPlace;

    @Parameters(index = "1", arity = "0..1", paramLabel = "OUTPUT", description = "Where it goes; or --output.")
    private @Nullable Path outputByPlace;

    @Option(names = "--model", paramLabel = "DIR|FILE.gguf", description = "The model.")
    private @Nullable Path model;

    @Option(names = "--output", paramLabel = "PATH", description = "Where it goes.")
    private @Nullable Path output;

    /// The model to read.
    Path model() {
        return one(modelByPlace, model, "Name the model: MODEL or --model DIR|FILE.gguf");
    }

    /// What to write.
    Path output() {
        // With --model, the only argument by place is the output.
        Path place = model != null && outputByPlace == null ? modelByPlace : outputByPlace;
        return one(place, output, "Say where it goes: OUTPUT or --output PATH");
    }

    private Path one(@Nullable Path place, @Nullable Path name, String sentence) {
        if (name != null) {
            return name;
        }
        if (place == null) {
            throw new ParameterException(Objects.requireNonNull(spec).commandLine(), sentence);
        }
        return place;
    }

    /// For a GGUF file the type to unpack it to: else its quantised weights would stay what they are.
    Optional<DType> plainType() {
        return Files.isRegularFile(model())
                ? Optional.of(GgufModel.open(model()).usualType())
                : Optional.empty();
    }

    /// Opens the model on the CPU, read-only.
    ///
    /// @param dtype the type to hold it in; empty for the one it was saved in
    LanguageModel open(Optional<DType> dtype) {
        Optional<DType> plain = dtype.or(this::plainType);
        return LanguageModel.open(model(), new LanguageModel.Options(plain, Device.CPU, false).unpacked());
    }
}
