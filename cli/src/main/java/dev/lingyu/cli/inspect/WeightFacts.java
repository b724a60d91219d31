package dev.lingyu.cli.inspect;

import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Part;
import dev.lingyu.model.pickle.TorchDirectory;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.SafetensorsDirectory;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.kernel.Quantization;
import dev.lingyu.tensor.kernel.QuantizedMatrix;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Parameters, counted from the headers of the files of weights.
final class WeightFacts {
    private static final String EMBEDDING = "embedding";
    private static final String BLOCKS = "blocks";
    private static final String NORM = "final norm";
    private static final String HEAD = "head";
    private static final String OTHER = "other";
    private static final String NONE = "none: no model.safetensors, pytorch_model.bin or index of either";

    private WeightFacts() {}

    /// The weights of a model directory, by part.
    static void addModel(Path directory, ModelConfig config, Facts facts) {
        if (!SafetensorsDirectory.isPresent(directory)) {
            facts.add("parameters", TorchDirectory.isPresent(directory) ? pickled(directory) : NONE);
            facts.add("dtype", config.dtype().torchName() + " (says config.json)");
            return;
        }
        try (SafetensorsDirectory files = SafetensorsDirectory.open(directory)) {
            Map<String, Long> parts = new LinkedHashMap<>();
            for (String part : new String[] {EMBEDDING, BLOCKS, NORM, HEAD, OTHER}) {
                parts.put(part, 0L);
            }
            Map<String, Long> types = new TreeMap<>();
            Optional<Quantization> method = config.quantization();
            for (String name : files.names()) {
                if (!config.family().isComputed(name)) {
                    boolean rounded = method.isPresent() && files.dtype(name) == DType.U8;
                    long stored = count(files.shape(name));
                    long count = rounded ? stored / method.get().blockBytes() * QuantizedMatrix.GROUP : stored;
                    parts.merge(part(config, name), count, Long::sum);
                    types.merge(
                            rounded ? method.get().label() : files.dtype(name).torchName(), count, Long::sum);
                }
            }
            boolean tied = config.decoder().tiedHead() && parts.getOrDefault(HEAD, 0L) == 0;
            facts.add(
                    "parameters",
                    Facts.count(parts.values().stream().mapToLong(v -> v).sum()));
            parts.forEach((part, count) -> {
                if (part.equals(HEAD) && tied) {
                    facts.more(HEAD + ": tied, the same matrix as the embedding");
                } else if (count > 0) {
                    facts.more(part + ": " + Facts.count(count));
                }
            });
            facts.add("dtype", types(types));
            method.ifPresent(m -> facts.add(
                    "quantised",
                    m.bits() + " bits, groups of " + QuantizedMatrix.GROUP + " inputs with a scale"
                            + (m.asymmetric() ? " and an offset" : "")
                            + "; runs on the CPU, other programs can't load it"));
        }
    }

    private static String pickled(Path directory) {
        TorchDirectory files = TorchDirectory.open(directory);
        long sum = files.names().stream()
                .mapToLong(name -> count(files.shape(name)))
                .sum();
        return Facts.count(sum) + ", in pickles";
    }

    /// The weights of a directory in one sum, whatever heads they come with.
    static void addWhole(Path directory, Facts facts) {
        if (!SafetensorsDirectory.isPresent(directory)) {
            facts.add("parameters", TorchDirectory.isPresent(directory) ? pickled(directory) : NONE);
            return;
        }
        try (SafetensorsDirectory files = SafetensorsDirectory.open(directory)) {
            Map<String, Long> types = new TreeMap<>();
            for (String name : files.names()) {
                types.merge(files.dtype(name).torchName(), count(files.shape(name)), Long::sum);
            }
            facts.add(
                    "parameters",
                    Facts.count(types.values().stream().mapToLong(v -> v).sum()));
            facts.add("dtype", types(types));
        }
    }

    /// The tensors of one file.
    static void addFile(Path file, Facts facts) {
        try (SafetensorsFile weights = SafetensorsFile.open(file)) {
            Map<String, Long> types = new TreeMap<>();
            for (String name : weights.names()) {
                types.merge(weights.dtype(name).torchName(), count(weights.shape(name)), Long::sum);
            }
            facts.add("tensors", Facts.count(weights.names().size()));
            facts.add(
                    "parameters",
                    Facts.count(types.values().stream().mapToLong(v -> v).sum()));
            facts.add("dtype", types.isEmpty() ? "none" : types(types));
            weights.names().stream()
                    .limit(5)
                    .forEach(name -> facts.more(name + " " + Arrays.toString(weights.shape(name))));
        }
    }

    private static String types(Map<String, Long> types) {
        Function<Map.Entry<String, Long>, String> words =
                types.size() == 1 ? Map.Entry::getKey : type -> type.getKey() + " " + Facts.count(type.getValue());
        return types.entrySet().stream().map(words).collect(Collectors.joining(", "));
    }

    private static long count(long[] shape) {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    private static String part(ModelConfig config, String name) {
        return config.family().names().entrySet().stream()
                .filter(part -> isCalled(name, part.getValue(), config.family().optionalPrefix()))
                .map(Map.Entry::getKey)
                .findFirst()
                .map(WeightFacts::group)
                .orElse(OTHER);
    }

    private static boolean isCalled(String name, String pattern, String optionalPrefix) {
        String layers =
                Arrays.stream(pattern.split("%d", -1)).map(Pattern::quote).collect(Collectors.joining("\\d+"));
        String prefix = optionalPrefix.isEmpty() ? "" : "(" + Pattern.quote(optionalPrefix) + ")?";
        return Optional.of(optionalPrefix + name)
                        .filter(whole -> whole.matches(layers + "\\.(weight|bias)"))
                        .isPresent()
                || name.matches(prefix + layers + "\\.(weight|bias)");
    }

    private static String group(Part part) {
        return switch (part) {
            case TOKEN_EMBEDDING, POSITION_EMBEDDING, EMBEDDING_NORM -> EMBEDDING;
            case FINAL_NORM -> NORM;
            case HEAD -> HEAD;
            default -> BLOCKS;
        };
    }
}
