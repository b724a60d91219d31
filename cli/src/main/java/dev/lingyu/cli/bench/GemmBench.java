package dev.lingyu.cli.bench;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.MachineLimits;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `lingyu bench gemm`: the machine's own limits.
@Command(
        name = "gemm",
        mixinStandardHelpOptions = true,
        description = "This machine's peak of matrix products and its read bandwidth.")
final class GemmBench implements Callable<Integer> {
    @Option(names = "--device", defaultValue = "cpu", description = "cpu, cuda or cuda:N (default: cpu).")
    private String device = "cpu";

    @Mixin
    private final BenchOutput output = new BenchOutput();

    @Override
    public Integer call() {
        Device where = Device.parse(device);
        MachineLimits bf16 = MachineLimits.measure(DType.BF16, where);
        double f32 = MachineLimits.gemmPeak(DType.F32, where, 2048, 5);
        output.line(bf16.toString());
        output.line(String.format(Locale.ROOT, "GEMM peak %.0f GFLOP/s (float32)", f32));
        output.figures(BenchOutput.with(bf16).put("gemm_peak_f32_gflops", f32));
        return 0;
    }
}
