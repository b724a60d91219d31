package dev.lingyu.tensor;

import java.util.Arrays;
import java.util.Locale;

/// What this machine can do right now, measured in a second or two: the yardsticks beside which every speed is
/// told.
///
/// Virtual machines drift and differ, so limits belong to the run that measured them.
///
/// @param gemmGflops the best rate of a 2048³ product in the type that was asked for [GFLOP/s]
/// @param dtype      that type
/// @param readGbps   the median rate of summing memory larger than every cache, all threads [GB/s]
/// @param threads    how many threads took part
public record MachineLimits(double gemmGflops, DType dtype, double readGbps, int threads) {
    private static final int SIZE = 2048;
    private static final int RUNS = 7;
    private static final long READ_BYTES = 1L << 30;

    /// Measures both limits.
    public static MachineLimits measure(DType dtype, Device device) {
        return new MachineLimits(gemmPeak(dtype, device, SIZE, RUNS), dtype, readBandwidth(), Torch.threads());
    }

    /// The best rate of a product of two n × n matrices [GFLOP/s].
    ///
    /// @param runs how many are timed, after one to warm up
    public static double gemmPeak(DType dtype, Device device, int n, int runs) {
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off();
                Generator generator = Generator.seeded(1)) {
            Tensor a = Tensor.zeros(DType.F32, n, n)
                    .normalInPlace(0, 1, generator)
                    .to(dtype)
                    .to(device);
            Tensor b = Tensor.zeros(DType.F32, n, n)
                    .normalInPlace(0, 1, generator)
                    .to(dtype)
                    .to(device);
            Tensor out = a.matmul(b);
            double best = 0;
            for (int run = 0; run < runs; run++) {
                long start = System.nanoTime();
                out.matmulInto(a, b);
                // Reading a value waits for a GPU.
                out.select(0, 0).select(0, 0).item();
                best = Math.max(best, 2.0 * n * n * n / (System.nanoTime() - start));
            }
            return best;
        }
    }

    /// The median rate of summing 1 GiB [GB/s].
    public static double readBandwidth() {
        try (Scope scope = Scope.open()) {
            Tensor data = Tensor.full(DType.I64, Device.CPU, 1, READ_BYTES / 8);
            double[] rates = new double[RUNS];
            data.sum().close();
            for (int run = 0; run < RUNS; run++) {
                long start = System.nanoTime();
                data.sum().close();
                rates[run] = (double) READ_BYTES / (System.nanoTime() - start);
            }
            Arrays.sort(rates);
            return rates[RUNS / 2];
        }
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "GEMM peak %.0f GFLOP/s (%s), read %.1f GB/s, %d threads",
                gemmGflops,
                dtype.torchName(),
                readGbps,
                threads);
    }
}
