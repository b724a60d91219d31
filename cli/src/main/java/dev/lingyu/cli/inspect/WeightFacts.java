package dev.lingyu.cli.inspect;

import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Part;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.SafetensorsDirectory;
import dev.lingyu.tensor.SafetensorsFile;
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

    private WeightFacts() {}

    /// The weights of a model directory, by part.
    static void addModel(Path directory, ModelConfig config, Facts facts) {
        if (!SafetensorsDirectory.isPresent(directory)) {
            facts.add("parameters", "none: no model.safetensors or model.safetensors.index.json");
            facts.add("dtype", config.dtype().torchName() + " (says config.json)");
            return;
        }
        try (SafetensorsDirectory files = SafetensorsDirectory.open(directory)) {
            Map<String, Long> parts = new LinkedHashMap<>();
            for (String part : new String[] {EMBEDDING, BLOCKS, NORM, HEAD, OTHER}) {
                parts.put(part, 0L);
            }
            Map<DType, Long> types = new TreeMap<>();
            for (String name : files.names()) {
                if (!config.family().isComputed(name)) {
                    long count = count(files.shape(name));
                    parts.merge(part(config, name), count, Long::sum);
                    types.merge(files.dtype(name), count, Long::sum);
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
        }
    }

    /// The tensors of one file.
    static void addFile(Path file, Facts facts) {
        try (SafetensorsFile weights = SafetensorsFile.open(file)) {
            Map<DType, Long> types = new TreeMap<>();
            for (String name : weights.names()) {
                types.merge(weights.dtype(name), count(weights.shape(name)), Long::sum);
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

    private static String types(Map<DType, Long> types) {
        Function<Map.Entry<DType, Long>, String> words = types.size() == 1
                ? type -> type.getKey().torchName()
                : type -> type.getKey().torchName() + " " + Facts.count(type.getValue());
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
