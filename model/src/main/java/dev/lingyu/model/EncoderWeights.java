package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Fills an encoder with the weights of a model directory, and gives them back for saving.
///
/// Names may have the prefix `bert.` or `roberta.`; heads of pre-training (`cls.`, `lm_head.`) are passed over.
public final class EncoderWeights {
    private static final List<String> PREFIXES = List.of("", "bert.", "roberta.");

    private EncoderWeights() {}

    /// Loads the weights of a model directory; see [DecoderWeights#load] for `writable`.
    ///
    /// @throws ModelException when tensors are missing or of the wrong shape
    public static Encoder load(Path directory, EncoderConfig config, DType dtype, Device device, boolean writable) {
        WeightFiles files = WeightFiles.open(directory);
        Map<String, long[]> expected = shapes(config, files.names());
        String prefix = PREFIXES.stream()
                .filter(p -> files.names().contains(p + "embeddings.word_embeddings.weight"))
                .findFirst()
                .orElse("");
        List<String> missing = expected.keySet().stream()
                .filter(name -> !files.names().contains(prefix + name))
                .toList();
        if (!missing.isEmpty()) {
            throw new ModelException("%s lacks %d of the %d tensors that its config.json asks for, such as %s."
                    .formatted(directory, missing.size(), expected.size(), missing.getFirst()));
        }
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            for (Map.Entry<String, long[]> weight : expected.entrySet()) {
                Tensor stored = files.tensor(prefix + weight.getKey());
                if (!Arrays.equals(stored.shape(), weight.getValue())) {
                    throw new ModelException("%s: the tensor \"%s\" has the shape %s, config.json asks for %s."
                            .formatted(
                                    directory,
                                    weight.getKey(),
                                    Arrays.toString(stored.shape()),
                                    Arrays.toString(weight.getValue())));
                }
                Tensor value = stored.to(dtype).to(device);
                boolean mapped = stored.dtype() == dtype && device.equals(Device.CPU);
                parameters.put(
                        weight.getKey(), new Parameter(weight.getKey(), mapped && writable ? value.copy() : value));
            }
        }
        return new Encoder(config, parameters);
    }

    /// The weights as files hold them: by name, in order.
    public static Map<String, Tensor> tensors(Encoder encoder) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        encoder.parameters().forEach(p -> tensors.put(p.name(), p.value()));
        return tensors;
    }

    /// @param stored the pooler is kept where files have one: sentence encoders do not use it but other
    /// programs ask for
    ///     it
    private static Map<String, long[]> shapes(EncoderConfig config, Set<String> stored) {
        long hidden = config.hiddenSize();
        long inner = config.intermediateSize();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        shapes.put("embeddings.word_embeddings.weight", new long[] {config.vocabularySize(), hidden});
        shapes.put("embeddings.position_embeddings.weight", new long[] {config.maxPositions(), hidden});
        shapes.put("embeddings.token_type_embeddings.weight", new long[] {config.tokenTypes(), hidden});
        norm(shapes, "embeddings.LayerNorm", hidden);
        for (int i = 0; i < config.layers(); i++) {
            String layer = "encoder.layer." + i + ".";
            for (String part : List.of("self.query", "self.key", "self.value", "output.dense")) {
                linear(shapes, layer + "attention." + part, hidden, hidden);
            }
            norm(shapes, layer + "attention.output.LayerNorm", hidden);
            linear(shapes, layer + "intermediate.dense", inner, hidden);
            linear(shapes, layer + "output.dense", hidden, inner);
            norm(shapes, layer + "output.LayerNorm", hidden);
        }
        if (stored.stream().anyMatch(name -> name.endsWith("pooler.dense.weight"))) {
            linear(shapes, "pooler.dense", hidden, hidden);
        }
        return shapes;
    }

    private static void norm(Map<String, long[]> shapes, String name, long size) {
        shapes.put(name + ".weight", new long[] {size});
        shapes.put(name + ".bias", new long[] {size});
    }

    private static void linear(Map<String, long[]> shapes, String name, long out, long in) {
        shapes.put(name + ".weight", new long[] {out, in});
        shapes.put(name + ".bias", new long[] {out});
    }
}
