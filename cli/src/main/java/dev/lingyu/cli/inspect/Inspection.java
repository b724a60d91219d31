package dev.lingyu.cli.inspect;

import dev.lingyu.model.ModelConfig;
import dev.lingyu.tensor.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// Finds out what sort of thing a path is and gathers what there is to say about it.
public final class Inspection {
    private static final List<String> WEIGHTS_OF_OTHERS = List.of(".bin", ".pt", ".pth", ".ckpt");

    private final Facts facts;

    private Inspection(Facts facts) {
        this.facts = facts;
    }

    /// Looks at a path.
    ///
    /// @throws InspectionException when it is nothing that this program knows
    /// @throws IOException when it can't be read
    public static Inspection of(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        return new Inspection(Files.isDirectory(path) ? folder(path) : file(path));
    }

    private static Facts folder(Path path) throws IOException {
        Facts facts = new Facts();
        // An adapter's folder may hold a config.json too, as a convenience for other programs.
        if (AdapterFacts.isPresent(path)) {
            AdapterFacts.add(path, facts);
        } else if (EncoderFacts.isPresent(path)) {
            EncoderFacts.add(path, facts);
        } else if (ModelConfig.isPresent(path)) {
            ModelFacts.add(path, facts);
        } else if (!RunFacts.isPresent(path)) {
            if (!holdsFiles(path)) {
                throw new InspectionException(path + " is an empty folder; expected a model (config.json), an adapter "
                        + "(adapter_config.json), a run (run.json) or a dataset.");
            }
            return DatasetFacts.of(path);
        }
        RunFacts.add(path, facts);
        FileFacts.add(path, facts);
        return facts;
    }

    private static Facts file(Path path) throws IOException {
        String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
        if (name.endsWith(".safetensors")) {
            Facts facts = new Facts().add("kind", "weights, one safetensors file");
            WeightFacts.addFile(path, facts);
            return facts;
        }
        if (name.endsWith(".gguf") || GgufFile.isPresent(path)) {
            return GgufFacts.of(path);
        }
        if (WEIGHTS_OF_OTHERS.stream().anyMatch(name::endsWith)) {
            throw new InspectionException(path + " is a file of weights in a format that inspect does not read yet; "
                    + "name a model directory, a .gguf or a .safetensors file.");
        }
        if (name.equals("run.json")) {
            return RunFacts.add(path.resolveSibling("."), new Facts());
        }
        return DatasetFacts.of(path);
    }

    private static boolean holdsFiles(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.findAny().isPresent();
        }
    }

    /// The facts as lines of two columns, the last one ended too.
    @Override
    public String toString() {
        return facts.toString();
    }
}
