package dev.lingyu.cli.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `lingyu bench decode`: greedy decoding of several sequences in step, each token one pass over the weights.
@Command(
        name = "decode",
        mixinStandardHelpOptions = true,
        description = "Greedy decoding: tokens/s, and the share of the read bandwidth of the same run that the weights "
                + "take (weight bytes · steps/s ÷ bandwidth; the KV cache is not counted).")
final class DecodeBench implements Callable<Integer> {
    private static final int PROMPT = 128;
    private static final int WARM_UP = 8;

    /// Until Java has compiled what runs; `bench start` tells how long that takes.
    private static final double WARM_SECONDS = 3;

    @Mixin
    private final BenchedModel model = new BenchedModel();

    @Option(
            names = "--batch",
            split = ",",
            description = "How many sequences at once, one run each (default: 1,4,8,16).")
    private int[] batches = {1, 4, 8, 16};

    @Option(names = "--new", description = "Timed tokens of each sequence (default: 32).")
    private int tokens = 32;

    @Mixin
    private final BenchOutput output = new BenchOutput();

    @Override
    public Integer call() {
        if (tokens < 1 || Arrays.stream(batches).anyMatch(b -> b < 1)) {
            throw new BenchException("--new and --batch are whole numbers from 1; found " + tokens + " and "
                    + Arrays.toString(batches) + ".");
        }
        model.measure(this::measure);
        return 0;
    }

    private void measure(String name, Decoder decoder, DType type, String weights) {
        long bytes = 0;
        for (Parameter weight : decoder.matmulWeights()) {
            bytes += weight.byteCount();
        }
        ObjectNode figures = BenchOutput.with(MachineLimits.measure(type, Device.CPU));
        figures.put("model", name).put("weights", weights).put("bytes_per_step", bytes);
        ArrayNode runs = figures.putArray("runs");
        for (int batch : batches) {
            // The bandwidth of a virtual machine wanders within minutes: each batch has its own.
            double before = MachineLimits.readBandwidth();
            double seconds = secondsPerStep(decoder, batch);
            double read = (before + MachineLimits.readBandwidth()) / 2;
            double speed = batch / seconds;
            double fraction = bytes / seconds / 1e9 / read;
            output.line(String.format(
                    Locale.ROOT,
                    "%s, %s, %d at once: %.1f tokens/s, %.1f GB/s of weights = %.2f of %.1f GB/s",
                    name,
                    weights,
                    batch,
                    speed,
                    bytes / seconds / 1e9,
                    fraction,
                    read));
            runs.addObject()
                    .put("batch", batch)
                    .put("tokens_per_second", speed)
                    .put("bandwidth_fraction", fraction)
                    .put("read_gbps", read);
            if (batch == batches[0]) {
                figures.put("tokens_per_second", speed).put("bandwidth_fraction", fraction);
            }
        }
        output.figures(figures);
    }

    private double secondsPerStep(Decoder decoder, int batch) {
        long begun = System.nanoTime();
        while ((System.nanoTime() - begun) / 1e9 < WARM_SECONDS) {
            secondsPerStep(decoder, batch, WARM_UP);
        }
        return secondsPerStep(decoder, batch, tokens);
    }

    /// The median over the timed steps.
    private static double secondsPerStep(Decoder decoder, int batch, int tokens) {
        List<KvCache> caches = new ArrayList<>();
        try {
            for (int i = 0; i < batch; i++) {
                caches.add(new KvCache(decoder, PROMPT + WARM_UP + tokens));
            }
            int[] next = new int[batch * PROMPT];
            Arrays.setAll(next, i -> 100 + i % 100);
            next = step(decoder, next, caches);
            double[] seconds = new double[tokens];
            for (int i = -WARM_UP; i < tokens; i++) {
                long start = System.nanoTime();
                next = step(decoder, next, caches);
                if (i >= 0) {
                    seconds[i] = (System.nanoTime() - start) / 1e9;
                }
            }
            Arrays.sort(seconds);
            return seconds[tokens / 2];
        } finally {
            caches.forEach(KvCache::close);
        }
    }

    /// @param ids equally many for each sequence
    /// @return the most likely token behind each
    static int[] step(Decoder decoder, int[] ids, List<KvCache> caches) {
        int[] lengths = new int[caches.size()];
        Arrays.fill(lengths, ids.length / caches.size());
        TokenBatch batch = new TokenBatch(
                ids, lengths, caches.stream().mapToInt(KvCache::length).toArray());
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Tensor features = decoder.features(batch, caches);
            int[] last = batch.lastRows();
            return RowMaximum.of(decoder.head(features.indexSelect(0, Tensor.of(last, last.length))));
        }
    }
}
