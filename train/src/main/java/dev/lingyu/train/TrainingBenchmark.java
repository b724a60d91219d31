package dev.lingyu.train;

import dev.lingyu.model.Adapter;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderWeights;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Parameter;
import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.model.adapter.TargetModules;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Laps;
import dev.lingyu.tensor.MachineLimits;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Whole training steps on random tokens, timed: forward, loss on every token, backward, clipping, AdamW. The
/// weights are random or a model's; all of them are trained, or an adapter to every linear layer.
public final class TrainingBenchmark {
    private static final int WARM_UP = 2;

    private TrainingBenchmark() {}

    /// What is timed.
    ///
    /// @param dtype        what the model computes in; masters and moments are f32
    /// @param sequence     tokens of a sequence
    /// @param batch        sequences of a micro-batch
    /// @param accumulation micro-batches of a step
    /// @param steps        timed steps
    /// @param recompute    whether activations are recomputed
    /// @param loraRank     rank of the adapter (LoRA) that is trained alone; 0 to train all weights
    public record Setup(
            DType dtype,
            Device device,
            int sequence,
            int batch,
            int accumulation,
            int steps,
            boolean recompute,
            int loraRank) {}

    /// The outcome.
    ///
    /// @param tokensPerSecond  of the median step
    /// @param slowest          of the slowest step [tokens/s]
    /// @param fastest          of the fastest step [tokens/s]
    /// @param gemmGflops       the median over peaks measured between the steps [GFLOP/s]
    /// @param matmulParameters weights of matrix products, the head once; an adapter's too
    /// @param trainedParameters weights that change
    /// @param flopsPerToken    of the model's own matrix products, the numerator of MFU
    /// @param loss             of the last step
    /// @param planned          memory, as a run would say before it starts [bytes]
    /// @param parts            medians of the parts of a step [s]
    /// @param breakdown        the same by kind of operation [s]; meaningful on a CPU
    public record Result(
            double tokensPerSecond,
            double slowest,
            double fastest,
            double gemmGflops,
            long matmulParameters,
            long trainedParameters,
            double flopsPerToken,
            double loss,
            long planned,
            Map<String, Double> parts,
            Map<String, Double> breakdown) {}

    /// Runs the steps on random weights.
    public static Result run(ModelConfig shape, Setup setup) {
        try (Decoder decoder = DecoderWeights.random(shape, setup.dtype(), 1)) {
            decoder.moveTo(setup.device());
            return run(decoder, setup);
        }
    }

    /// Runs the steps on a model's weights.
    public static Result run(Path model, Setup setup) {
        boolean writable = setup.loraRank() == 0;
        try (Decoder decoder =
                DecoderWeights.load(model, ModelConfig.read(model), setup.dtype(), setup.device(), writable)) {
            return run(decoder, setup);
        }
    }

    private static Result run(Decoder decoder, Setup setup) {
        Collection<Parameter> trained = trained(decoder, setup.loraRank());
        MemoryPlan plan = MemoryPlan.of(
                decoder.config(),
                setup.dtype(),
                MemoryPlan.Weights.of(
                        decoder, trained, OptimizerSettings.defaults().kind()),
                (long) setup.batch() * setup.sequence(),
                setup.sequence(),
                setup.recompute());
        try (AdamW optimizer = new AdamW(trained, OptimizerSettings.defaults())) {
            return run(decoder, optimizer, setup, plan.total());
        }
    }

    private static Collection<Parameter> trained(Decoder decoder, int rank) {
        if (rank == 0) {
            decoder.parameters().forEach(p -> p.trainable(true));
            return decoder.parameters();
        }
        LoraConfig lora = LoraConfig.of(rank, 2.0 * rank, TargetModules.of(new TargetModules.AllLinear()));
        Adapter adapter = decoder.adapters().create("trained", lora, 1);
        decoder.adapters().use(adapter.name());
        adapter.trainable(true);
        return adapter.parameters();
    }

    private static Result run(Decoder decoder, AdamW optimizer, Setup setup, long planned) {
        CausalLmObjective objective = new CausalLmObjective(decoder, optimizer, setup.recompute());
        List<List<TrainingRow>> micro = rows(decoder, setup);
        long tokens = (long) setup.sequence() * setup.batch() * setup.accumulation();
        double scale = 1.0 / (tokens - (long) setup.batch() * setup.accumulation());
        double[] rates = new double[setup.steps()];
        double[] peaks = new double[setup.steps()];
        Map<String, double[]> parts = new LinkedHashMap<>();
        Map<String, double[]> kinds = new LinkedHashMap<>();
        double loss = 0;
        for (int step = -WARM_UP; step < setup.steps(); step++) {
            double peak = MachineLimits.gemmPeak(setup.dtype(), setup.device(), 2048, 5);
            Laps.start();
            long begun = System.nanoTime();
            CausalLmObjective.Outcome outcome = CausalLmObjective.Outcome.NONE;
            for (List<TrainingRow> rows : micro) {
                outcome = outcome.plus(objective.accumulate(rows, scale));
            }
            Laps.end("rest");
            long differentiated = System.nanoTime();
            double norm = optimizer.gradientNorm();
            Laps.end("gradient norm");
            long normed = System.nanoTime();
            optimizer.clip(norm, 1);
            optimizer.step(1e-5);
            Laps.end("optimiser update");
            long end = System.nanoTime();
            loss = outcome.meanLoss();
            Map<String, Double> laps = Laps.stop();
            if (step >= 0) {
                rates[step] = tokens * 1e9 / (end - begun);
                peaks[step] = peak;
                note(parts, "gradients", step, setup.steps(), differentiated - begun);
                note(parts, "norm", step, setup.steps(), normed - differentiated);
                note(parts, "update", step, setup.steps(), end - normed);
                for (Map.Entry<String, Double> lap : laps.entrySet()) {
                    note(kinds, lap.getKey(), step, setup.steps(), Math.round(1e9 * lap.getValue()));
                }
            }
        }
        Arrays.sort(rates);
        Map<String, Double> medians = new LinkedHashMap<>();
        parts.forEach((name, values) -> medians.put(name, median(values)));
        Map<String, Double> breakdown = new LinkedHashMap<>();
        kinds.forEach((name, values) -> breakdown.put(name, median(values)));
        return new Result(
                rates[rates.length / 2],
                rates[0],
                rates[rates.length - 1],
                median(peaks),
                decoder.matmulWeights().stream().mapToLong(w -> w.count()).sum(),
                decoder.matmulWeights().stream()
                        .filter(optimizer::updates)
                        .mapToLong(w -> w.count())
                        .sum(),
                FlopCount.perToken(decoder, optimizer),
                loss,
                planned,
                medians,
                breakdown);
    }

    private static void note(Map<String, double[]> parts, String part, int step, int steps, long nanos) {
        parts.computeIfAbsent(part, name -> new double[steps])[step] = nanos / 1e9;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static List<List<TrainingRow>> rows(Decoder decoder, Setup setup) {
        Random random = new Random(1);
        List<List<TrainingRow>> micro = new ArrayList<>();
        for (int m = 0; m < setup.accumulation(); m++) {
            List<TrainingRow> rows = new ArrayList<>();
            for (int b = 0; b < setup.batch(); b++) {
                int[] ids = random.ints(
                                setup.sequence(),
                                0,
                                Math.min(30_000, decoder.config().vocabularySize()))
                        .toArray();
                rows.add(TrainingRow.all(ids));
            }
            micro.add(rows);
        }
        return micro;
    }
}
