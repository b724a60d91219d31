package dev.lingyu.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.KvCache;
import dev.lingyu.model.Parameter;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.MachineLimits;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.RowMaximum;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `lingyu bench prefill`: reading a prompt into a cache, up to the choice of its first successor.
@Command(
        name = "prefill",
        mixinStandardHelpOptions = true,
        description = "Reading a prompt: tokens/s, and the share of the GEMM peak of the same run (2 operations per weight "
                + "of the blocks and token, and the head's once; attention is not counted).")
final class PrefillBench implements Callable<Integer> {
    private static final int WARM_UP = 2;

    @Mixin
    private final BenchedModel model = new BenchedModel();

    @Option(names = "--length", description = "Tokens of the prompt (default: 512).")
    private int length = 512;

    @Option(names = "--runs", description = "Timed runs, of which the median counts (default: 5).")
    private int runs = 5;

    @Mixin
    private final BenchOutput output = new BenchOutput();

    @Override
    public Integer call() {
        if (length < 1 || runs < 1) {
            throw new BenchException(
                    "--length and --runs are whole numbers from 1; found " + length + " and " + runs + ".");
        }
        model.measure(this::measure);
        return 0;
    }

    private void measure(String name, Decoder decoder, DType type, String weights) {
        double before = MachineLimits.gemmPeak(type, Device.CPU, 2048, 7);
        double[] seconds = new double[runs];
        for (int run = -WARM_UP; run < runs; run++) {
            long start = System.nanoTime();
            read(decoder);
            if (run >= 0) {
                seconds[run] = (System.nanoTime() - start) / 1e9;
            }
        }
        Arrays.sort(seconds);
        double median = seconds[runs / 2];
        double peak = Math.max(before, MachineLimits.gemmPeak(type, Device.CPU, 2048, 7));
        long head = decoder.head().count();
        long blocks =
                decoder.matmulWeights().stream().mapToLong(Parameter::count).sum() - head;
        double fraction = (2.0 * blocks * length + 2.0 * head) / median / 1e9 / peak;
        output.line(String.format(
                Locale.ROOT,
                "%s, %s, %d tokens: %.0f tokens/s (%.0f to %.0f in %d runs) = %.2f of %.0f GFLOP/s",
                name,
                weights,
                length,
                length / median,
                length / seconds[runs - 1],
                length / seconds[0],
                runs,
                fraction,
                peak));
        ObjectNode figures = BenchOutput.with(MachineLimits.measure(type, Device.CPU));
        output.figures(figures.put("model", name)
                .put("weights", weights)
                .put("length", length)
                .put("tokens_per_second", length / median)
                .put("gemm_peak_gflops", peak)
                .put("gemm_fraction", fraction));
    }

    private void read(Decoder decoder) {
        int[] ids = new int[length];
        Arrays.setAll(ids, i -> 100 + i % 100);
        try (KvCache cache = new KvCache(decoder, length);
                Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            TokenBatch batch = new TokenBatch(ids, new int[] {length}, new int[1]);
            Tensor features = decoder.features(batch, List.of(cache));
            RowMaximum.of(decoder.head(features.narrow(0, length - 1, 1)));
        }
    }
}
