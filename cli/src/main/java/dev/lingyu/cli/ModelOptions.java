package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.WeightQuantization;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.kernel.Quantization;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The options of commands that run a model: which, with which adapters, in which type, where.
final class ModelOptions {
    private static final List<DType> TYPES = List.of(DType.F32, DType.BF16, DType.F16);

    @Option(
            names = "--model",
            paramLabel = "DIR|FILE.gguf",
            required = true,
            description = "A Hugging Face model directory, or a GGUF file.")
    private @Nullable Path directory;

    @Option(
            names = "--adapter",
            paramLabel = "[NAME=]DIR",
            description = "A PEFT adapter to the model; may be given again.")
    private List<String> adapters = new ArrayList<>();

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description =
                    "f32, bf16 or f16; or int8, int8-asymmetric, int4, int4-asymmetric: matrices rounded while they "
                            + "are read (default: as the weights were saved).")
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

    /// The adapters by name, in the order given; without a name, that of the directory.
    Map<String, Path> adapters() {
        Map<String, Path> byName = new LinkedHashMap<>();
        for (String given : adapters) {
            int equals = given.indexOf('=');
            boolean named = equals > 0 && !Files.isDirectory(Path.of(given));
            Path path = Path.of(named ? given.substring(equals + 1) : given);
            String name = named ? given.substring(0, equals) : Serving.name(path);
            if (!Files.isDirectory(path)) {
                throw new CliException("--adapter " + given + ": there is no directory " + path + ".");
            }
            if (byName.put(name, path) != null) {
                throw new CliException("--adapter " + given + ": another adapter is called \"" + name
                        + "\" too; give it a name of its own, --adapter NAME=" + path + ".");
            }
        }
        return byName;
    }

    /// Opens the model read-only, all adapters in use together; the caller closes it.
    LanguageModel open() {
        return open(options());
    }

    LanguageModel open(LanguageModel.Options how) {
        Map<String, Path> wanted = adapters();
        // An adapter that can't be used is told before a large model is loaded.
        wanted.values().forEach(AdapterConfig::read);
        LanguageModel model = LanguageModel.open(directory(), how);
        try {
            wanted.forEach(model::adapt);
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /// How to hold it: read-only, in the type and on the device that were asked for.
    LanguageModel.Options options() {
        @Nullable Quantization method = dtype == null ? null : Quantization.of(dtype);
        if (method == null) {
            return new LanguageModel.Options(dtype(dtype), Device.parse(device), false);
        }
        if (!device.equals("auto") && !device.equals("cpu")) {
            throw new CliException("--device is " + device + "; weights in " + dtype + " run on the CPU only.");
        }
        return new LanguageModel.Options(Optional.empty(), Device.CPU, false).quantized(WeightQuantization.of(method));
    }

    /// The type that `--dtype` names; empty where it was not given.
    ///
    /// @throws CliException when it is none of the plain types
    static Optional<DType> dtype(@Nullable String given) {
        Optional<DType> type = Optional.ofNullable(given).map(DType::parse);
        if (type.isPresent() && !TYPES.contains(type.get())) {
            throw new CliException("--dtype is " + given + "; expected f32, bf16 or f16.");
        }
        return type;
    }
}
