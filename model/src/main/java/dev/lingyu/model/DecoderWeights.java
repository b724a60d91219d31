package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.Quantization;
import dev.lingyu.tensor.kernel.QuantizedMatrix;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;

/// Fills a decoder with weights: from the files of a model directory, or with fresh random ones.
public final class DecoderWeights {
    private DecoderWeights() {}

    /// Loads the weights of a model directory.
    ///
    /// Weights whose type needs no change stay where the operating system mapped them: nothing is read before
    /// it is used, and they must not be written to. Ask for `writable` to train.
    ///
    /// Others are converted one by one, so the peak is the model and one tensor: files are mapped, whatever is
    /// sharded in them, and a device of its own takes each tensor before the next one is read.
    ///
    /// @param dtype    the type to hold them in
    /// @param writable whether to copy them to memory of their own
    /// @throws ModelException when tensors are missing, superfluous or of the wrong shape
    public static Decoder load(Path directory, ModelConfig config, DType dtype, Device device, boolean writable) {
        WeightFiles files = WeightFiles.open(directory);
        return load(directory, config, files, Set.of(), dtype, device, Optional.empty(), writable);
    }

    /// Loads a decoder out of files that hold more.
    ///
    /// @param others       names in `files` that are no weights of the decoder
    /// @param quantization which matrices to round while they are read
    static Decoder load(
            Path directory,
            ModelConfig config,
            WeightFiles files,
            Set<String> others,
            DType dtype,
            Device device,
            Optional<WeightQuantization> quantization,
            boolean writable) {
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            DecoderConfig shape = untieWhereTheHeadDiffers(config, files);
            Map<String, long[]> expected =
                    WeightLayout.shapes(shape, config.family().names());
            Map<String, String> storedAs = match(directory, config, expected, files, others);
            Set<String> transposed = WeightLayout.transposedInFiles(shape, config.family());
            Map<String, Parameter> parameters = new LinkedHashMap<>();
            for (Map.Entry<String, long[]> weight : expected.entrySet()) {
                String name = weight.getKey();
                // One scope each: what a conversion needs on its way is gone before the next tensor is read.
                try (Scope each = Scope.open()) {
                    String storedName = storedAs.getOrDefault(name, name);
                    boolean turned = transposed.contains(name);
                    if (files.isBlocks(storedName)) {
                        parameters.put(name, blocks(directory, config, files, storedName, weight, dtype, turned));
                        continue;
                    }
                    check(directory, files, storedName, turned ? reversed(weight.getValue()) : weight.getValue());
                    Tensor stored = files.tensor(storedName);
                    Tensor value = converted(stored, turned, dtype, device);
                    boolean mapped = !turned && stored.dtype() == dtype && device.equals(Device.CPU);
                    boolean rounded = quantization
                            .filter(q -> q.takes(name, config.family().names(), shape.tiedHead(), weight.getValue()))
                            .isPresent();
                    parameters.put(
                            name,
                            rounded
                                    ? new Parameter(
                                            name,
                                            QuantizedMatrix.of(
                                                    value, quantization.get().method()),
                                            dtype,
                                            turned)
                                    : new Parameter(name, mapped && writable ? value.copy() : value, turned));
                }
            }
            return new Decoder(shape, config.family().names(), parameters);
        }
    }

    /// A matrix that the files hold quantised, as this program saved it.
    private static Parameter blocks(
            Path directory,
            ModelConfig config,
            WeightFiles files,
            String storedName,
            Map.Entry<String, long[]> weight,
            DType dtype,
            boolean turned) {
        Quantization method = files.method(storedName)
                .or(config::quantization)
                .orElseThrow(() -> new ModelException(
                        directory + ": the tensor \"" + storedName + "\" is of bytes, but config.json has no "
                                + "quantization_config that says how to read them."));
        long[] shape = weight.getValue();
        long[] asked = {shape[0], shape[1] / QuantizedMatrix.GROUP * method.blockBytes()};
        // A GGUF file tells the shape of the values, a directory that of the bytes.
        check(directory, files, storedName, files.method(storedName).isPresent() ? shape : asked);
        return new Parameter(
                weight.getKey(), QuantizedMatrix.ofBlocks(files.blocks(storedName), method), dtype, turned);
    }

    private static void check(Path directory, WeightFiles files, String name, long[] asked) {
        long[] found = files.shape(name);
        if (!Arrays.equals(found, asked)) {
            throw new ModelException("%s: the tensor \"%s\" has the shape %s, its %s asks for %s."
                    .formatted(
                            directory,
                            files.called(name),
                            Arrays.toString(found),
                            files.promise(),
                            Arrays.toString(asked)));
        }
    }

    private static Tensor converted(Tensor stored, boolean turned, DType dtype, Device device) {
        Tensor plain = turned ? stored.transpose(0, 1).contiguous() : stored;
        return plain.to(dtype).to(device);
    }

    private static long[] reversed(long[] shape) {
        return new long[] {shape[1], shape[0]};
    }

    /// Like transformers 5, a stored head that differs from a tied embedding counts, and the two are untied.
    private static DecoderConfig untieWhereTheHeadDiffers(ModelConfig config, WeightFiles files) {
        Map<Part, String> names = config.family().names();
        String head = names.get(Part.HEAD) + ".weight";
        String embedding = names.get(Part.TOKEN_EMBEDDING) + ".weight";
        if (!config.decoder().tiedHead()
                || !files.names().contains(head)
                || !files.names().contains(embedding)) {
            return config.decoder();
        }
        Tensor a = files.tensor(head);
        Tensor b = files.tensor(embedding);
        boolean same = Arrays.equals(a.shape(), b.shape())
                && a.dtype() == b.dtype()
                && a.bytes().mismatch(b.bytes()) < 0;
        return same ? config.decoder() : config.decoder().untied();
    }

    /// Finds each expected weight among the stored names, with or without the family's prefix.
    private static Map<String, String> match(
            Path directory, ModelConfig config, Map<String, long[]> expected, WeightFiles files, Set<String> others) {
        String prefix = config.family().optionalPrefix();
        Map<String, String> storedAs = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        for (String name : expected.keySet()) {
            String bare = !prefix.isEmpty() && name.startsWith(prefix) ? name.substring(prefix.length()) : name;
            if (files.names().contains(name)) {
                storedAs.put(name, name);
            } else if (files.names().contains(bare)) {
                storedAs.put(name, bare);
            } else {
                missing.add(files.called(name));
            }
        }
        if (!missing.isEmpty()) {
            throw new ModelException("%s lacks %d of the %d tensors that its %s asks for: %s."
                    .formatted(directory, missing.size(), expected.size(), files.promise(), some(missing)));
        }
        List<String> superfluous = new ArrayList<>(files.names());
        superfluous.removeAll(storedAs.values());
        superfluous.removeIf(name -> others.contains(name)
                || config.family().isComputed(name)
                || name.equals(config.family().names().get(Part.HEAD) + ".weight"));
        if (!superfluous.isEmpty()) {
            throw new ModelException("%s holds %d tensors that its %s has no place for: %s."
                    .formatted(
                            directory,
                            superfluous.size(),
                            files.promise(),
                            some(superfluous.stream().map(files::called).toList())));
        }
        return storedAs;
    }

    private static String some(List<String> names) {
        return String.join(", ", names.subList(0, Math.min(4, names.size()))) + (names.size() > 4 ? " …" : "");
    }

    /// A decoder with fresh weights: matrices from N(0, initializerRange²), norms 1, biases 0, as
    /// transformers does it.
    ///
    /// @param seed equal seeds give equal weights
    public static Decoder random(ModelConfig config, DType dtype, long seed) {
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        Set<String> transposed = WeightLayout.transposedInFiles(config.decoder(), config.family());
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off();
                Generator generator = Generator.seeded(seed)) {
            for (Map.Entry<String, long[]> weight : WeightLayout.shapes(
                            config.decoder(), config.family().names())
                    .entrySet()) {
                Tensor value = Tensor.zeros(DType.F32, weight.getValue());
                if (weight.getValue().length > 1) {
                    value.normalInPlace(0, config.decoder().initializerRange(), generator);
                } else if (weight.getKey().endsWith(".weight")) {
                    value.fillInPlace(1);
                }
                parameters.put(
                        weight.getKey(),
                        new Parameter(weight.getKey(), value.to(dtype), transposed.contains(weight.getKey())));
            }
        }
        return new Decoder(config.decoder(), config.family().names(), parameters);
    }

    /// The same decoder with more rows in its embedding and, where that is a matrix of its own, in its head and
    /// the head's bias. It takes over the weights of the old one, which must not be used or closed any more.
    ///
    /// @param config of the old decoder, which has no adapters yet
    /// @param rows   of the new embedding; no fewer than the old one has
    /// @param used   old rows that belong to tokens; the rest is padding, and gets new values too
    /// @param parts  the old tokens that a new one is made of: its row is the mean of theirs; for an empty array,
    ///               of all used rows
    static Decoder resized(Decoder decoder, ModelConfig config, int rows, int used, IntFunction<int[]> parts) {
        Map<Part, String> names = config.family().names();
        DecoderConfig shape = decoder.config().withVocabularySize(rows);
        Set<String> grown = Set.of(
                names.get(Part.TOKEN_EMBEDDING) + ".weight",
                names.get(Part.HEAD) + ".weight",
                names.get(Part.HEAD) + ".bias");
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        for (Parameter parameter : decoder.parameters()) {
            if (grown.contains(parameter.name())) {
                try (Scope scope = Scope.open();
                        Autograd.Mode off = Autograd.off()) {
                    Parameter larger = new Parameter(parameter.name(), grown(parameter.value(), rows, used, parts));
                    larger.trainable(parameter.trainable());
                    parameters.put(parameter.name(), larger);
                }
                parameter.close();
            } else {
                parameters.put(parameter.name(), parameter);
            }
        }
        return new Decoder(shape, names, parameters);
    }

    /// @param old [rows × hidden] or [rows]
    private static Tensor grown(Tensor old, int rows, int used, IntFunction<int[]> parts) {
        Tensor kept = old.narrow(0, 0, used);
        Tensor wide = kept.to(DType.F32);
        Tensor mean = wide.mean(0);
        List<Tensor> all = new ArrayList<>();
        all.add(kept);
        for (int row = used; row < rows; row++) {
            int[] of = parts.apply(row);
            Tensor fresh = of.length == 0
                    ? mean
                    : wide.indexSelect(0, Tensor.of(of, of.length).to(old.device()))
                            .mean(0);
            all.add(fresh.to(old.dtype()).unsqueeze(0));
        }
        Tensor grown = Tensor.cat(all, 0);
        return old.rank() == 1 ? grown.reshape(rows) : grown;
    }

    /// The weights as this program's own directories hold them: like [#tensors], but quantised ones as blocks.
    ///
    /// @param value of each of the others
    static Map<String, Tensor> stored(Decoder decoder, DType dtype, Function<Parameter, Tensor> value) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        decoder.weights()
                .forEach((name, p) -> tensors.put(
                        name,
                        p.quantized()
                                .map(QuantizedMatrix::toBlocks)
                                .orElseGet(() -> p.asInFiles(value.apply(p)).to(dtype))));
        return tensors;
    }

    /// The weights as files hold them: by name, in order, with those that adapters put in place; views of the
    /// decoder's own memory.
    public static Map<String, Tensor> tensors(Decoder decoder) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        decoder.weights().forEach((name, p) -> tensors.put(name, p.asInFiles(p.value())));
        return tensors;
    }
}
