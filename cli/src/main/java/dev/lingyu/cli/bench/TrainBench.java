package dev.lingyu.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.MachineLimits;
import dev.lingyu.tensor.NativeMemory;
import dev.lingyu.train.MemoryPlan;
import dev.lingyu.train.TrainingBenchmark;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `lingyu bench train`: whole training steps on random tokens, with random weights or a model's.
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        description = "Training steps on random tokens: tokens/s and MFU, the share of the GEMM peak that the model's "
                + "own matrix products use (6 · matmul parameters · tokens/s ÷ peak, with --lora 4 · base + 6 · adapter; "
                + "optimiser included).")
final class TrainBench implements Callable<Integer> {
    @Option(
            names = "--shape",
            defaultValue = "bloom-560m",
            description =
                    "bloom-560m, bloom-1b1, bloom-3b, bloom-7b1, llama-1b, llama-7b, quickstart, or a config.json.")
    private String shape = "bloom-560m";

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "A model directory whose weights and shape are taken instead of random ones in --shape.")
    private @Nullable Path weights;

    @Option(
            names = "--lora",
            paramLabel = "RANK",
            defaultValue = "0",
            description = "Train an adapter (LoRA) to every linear layer instead of all weights.")
    private int loraRank;

    @Option(names = "--layers", defaultValue = "0", description = "Keep only this many layers of the shape.")
    private int layers;

    @Option(names = "--seq", defaultValue = "512", description = "Tokens of a sequence (default: 512).")
    private int sequence = 512;

    @Option(names = "--batch", defaultValue = "1", description = "Sequences of a micro-batch (default: 1).")
    private int batch = 1;

    @Option(names = "--accumulation", defaultValue = "1", description = "Micro-batches of a step (default: 1).")
    private int accumulation = 1;

    @Option(names = "--dtype", defaultValue = "bf16", description = "bf16 or f32 (default: bf16; masters are f32).")
    private String dtype = "bf16";

    @Option(names = "--device", defaultValue = "cpu", description = "cpu, cuda or cuda:N (default: cpu).")
    private String device = "cpu";

    @Option(names = "--steps", defaultValue = "5", description = "Timed steps, after two to warm up (default: 5).")
    private int steps = 5;

    @Option(names = "--recompute", description = "Recompute activations (gradient_checkpointing).")
    private boolean recompute;

    @Mixin
    private final BenchOutput output = new BenchOutput();

    @Override
    public Integer call() {
        DType type = DType.parse(dtype);
        Device where = Device.parse(device);
        if (weights != null && layers > 0) {
            throw new BenchException(
                    "--layers cuts a --shape of random weights, not a --model: leave one of the two out.");
        }
        if (loraRank < 0) {
            throw new BenchException("--lora is " + loraRank + "; expected a rank, a whole number from 1.");
        }
        String name = weights == null ? shape : weights.toString();
        ModelConfig model = weights == null ? Shapes.of(shape, layers) : ModelConfig.read(weights);
        if (sequence < 2 || batch < 1 || accumulation < 1 || steps < 1) {
            throw new BenchException(
                    "--seq is a whole number from 2, --batch, --accumulation and --steps from 1; found " + sequence
                            + ", " + batch + ", " + accumulation + " and " + steps + ".");
        }
        MachineLimits limits = MachineLimits.measure(type, where);
        output.line(limits.toString());
        TrainingBenchmark.Setup setup =
                new TrainingBenchmark.Setup(type, where, sequence, batch, accumulation, steps, recompute, loraRank);
        TrainingBenchmark.Result result =
                weights == null ? TrainingBenchmark.run(model, setup) : TrainingBenchmark.run(weights, setup);
        double flops = result.flopsPerToken();
        double mfu = flops * result.tokensPerSecond() / 1e9 / result.gemmGflops();
        output.line(String.format(
                Locale.ROOT,
                "%s, %s%s, %d × %d tokens, %d micro-batches: %.1f tokens/s (%.1f–%.1f), %.3f TFLOP/s, MFU %.3f of %.0f GFLOP/s",
                name,
                type.torchName(),
                loraRank == 0 ? "" : ", LoRA of rank " + loraRank,
                batch,
                sequence,
                accumulation,
                result.tokensPerSecond(),
                result.slowest(),
                result.fastest(),
                flops * result.tokensPerSecond() / 1e12,
                mfu,
                result.gemmGflops()));
        OptionalLong peak = NativeMemory.peakResident();
        output.line("memory: " + MemoryPlan.gigabytes(result.planned()) + " planned"
                + (peak.isPresent()
                        ? ", " + MemoryPlan.gigabytes(peak.getAsLong()) + " at the most, Java itself included"
                        : ""));
        result.parts()
                .forEach((part, seconds) -> output.line(String.format(Locale.ROOT, "  %-12s %7.3f s", part, seconds)));
        output.line("by kind of operation:");
        result.breakdown()
                .forEach((part, seconds) -> output.line(String.format(Locale.ROOT, "  %-34s %7.3f s", part, seconds)));
        ObjectNode figures = BenchOutput.with(limits)
                .put("shape", name)
                .put("lora_rank", loraRank)
                .put("sequence", sequence)
                .put("batch", batch)
                .put("accumulation", accumulation)
                .put("tokens_per_second", result.tokensPerSecond())
                .put("tokens_per_second_min", result.slowest())
                .put("tokens_per_second_max", result.fastest())
                .put("tflops", flops * result.tokensPerSecond() / 1e12)
                .put("mfu", mfu)
                .put("gemm_peak_gflops", result.gemmGflops())
                .put("matmul_parameters", result.matmulParameters())
                .put("trained_parameters", result.trainedParameters())
                .put("planned_memory_bytes", result.planned())
                .put("loss", result.loss());
        peak.ifPresent(bytes -> figures.put("peak_memory_bytes", bytes));
        ObjectNode parts = figures.putObject("seconds");
        result.parts().forEach(parts::put);
        ObjectNode breakdown = figures.putObject("breakdown_seconds");
        result.breakdown().forEach(breakdown::put);
        output.figures(figures);
        return 0;
    }
}
