package dev.lingyu.cli.bench;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderWeights;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.WeightQuantization;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.kernel.Quantization;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The model that a benchmark of inference runs: a shape with random weights, or a real one, in some type.
final class BenchedModel {
    @Option(
            names = "--shape",
            description =
                    "bloom-560m, bloom-1b1, bloom-3b, bloom-7b1, llama-1b, llama-7b, quickstart, or a config.json; random weights (default: bloom-560m).")
    private String shape = "bloom-560m";

    @Option(names = "--model", paramLabel = "DIR|FILE.gguf", description = "A real model instead of a shape.")
    private @Nullable Path model;

    @Option(
            names = "--dtype",
            description = "bf16, f16 or f32, or matrices in int8, int8-asymmetric, int4 or int4-asymmetric with bf16 "
                    + "between them (default: bf16).")
    private String dtype = "bf16";

    /// What to do with it.
    @FunctionalInterface
    interface Measurement {
        /// @param name    what was asked for
        /// @param type    the type it computes in
        /// @param weights the type of its matrices, for people
        void run(String name, Decoder decoder, DType type, String weights);
    }

    /// Opens the model, measures, closes it.
    void measure(Measurement measurement) {
        Optional<WeightQuantization> quantization =
                Optional.ofNullable(Quantization.of(dtype)).map(WeightQuantization::of);
        DType type = quantization.isPresent() ? DType.BF16 : DType.parse(dtype);
        String weights = quantization.isPresent() ? dtype : type.torchName();
        if (model != null) {
            LanguageModel.Options plain = LanguageModel.Options.inference().with(type, Device.CPU);
            try (LanguageModel opened =
                    LanguageModel.open(model, quantization.map(plain::quantized).orElse(plain))) {
                measurement.run(model.toString(), opened.decoder(), type, weights);
            }
            return;
        }
        ModelConfig config = Shapes.of(shape, 0);
        try (Decoder decoder = DecoderWeights.random(config, type, 1)) {
            quantization.ifPresent(decoder::quantize);
            decoder.pack();
            measurement.run(shape, decoder, type, weights);
        }
    }
}
