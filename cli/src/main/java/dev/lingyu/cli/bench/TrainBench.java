package dev.lingyu.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.MachineLimits;
import dev.lingyu.train.TrainingBenchmark;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `lingyu bench train`: whole training steps on random weights and tokens.
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        description = "Training steps on random weights: tokens/s and MFU, the share of the GEMM peak that the model's "
                + "own matrix products use (6 · matmul parameters · tokens/s ÷ peak; optimiser included).")
final class TrainBench implements Callable<Integer> {
    @Option(
            names = "--shape",
            defaultValue = "bloom-560m",
            description =
                    "bloom-560m, bloom-1b1, bloom-3b, bloom-7b1, llama-1b, llama-7b, quickstart, or a config.json.")
    private String shape = "bloom-560m";

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
        ModelConfig model = Shapes.of(shape, layers);
        if (sequence < 2 || batch < 1 || accumulation < 1 || steps < 1) {
            throw new BenchException(
                    "--seq is a whole number from 2, --batch, --accumulation and --steps from 1; found " + sequence
                            + ", " + batch + ", " + accumulation + " and " + steps + ".");
        }
        MachineLimits limits = MachineLimits.measure(type, where);
        output.line(limits.toString());
        TrainingBenchmark.Result result = TrainingBenchmark.run(
                model, new TrainingBenchmark.Setup(type, where, sequence, batch, accumulation, steps, recompute));
        double flops = result.flopsPerToken();
        double mfu = flops * result.tokensPerSecond() / 1e9 / result.gemmGflops();
        output.line(String.format(
                Locale.ROOT,
                "%s, %s, %d × %d tokens, %d micro-batches: %.1f tokens/s (%.1f–%.1f), %.3f TFLOP/s, MFU %.3f of %.0f GFLOP/s",
                shape,
                type.torchName(),
                batch,
                sequence,
                accumulation,
                result.tokensPerSecond(),
                result.slowest(),
                result.fastest(),
                flops * result.tokensPerSecond() / 1e12,
                mfu,
                result.gemmGflops()));
        result.parts()
                .forEach((part, seconds) -> output.line(String.format(Locale.ROOT, "  %-12s %7.3f s", part, seconds)));
        output.line("by kind of operation:");
        result.breakdown()
                .forEach((part, seconds) -> output.line(String.format(Locale.ROOT, "  %-34s %7.3f s", part, seconds)));
        ObjectNode figures = BenchOutput.with(limits)
                .put("shape", shape)
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
                .put("loss", result.loss());
        ObjectNode parts = figures.putObject("seconds");
        result.parts().forEach(parts::put);
        ObjectNode breakdown = figures.putObject("breakdown_seconds");
        result.breakdown().forEach(breakdown::put);
        output.figures(figures);
        return 0;
    }
}
