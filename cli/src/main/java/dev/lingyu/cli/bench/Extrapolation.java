package dev.lingyu.cli.bench;

import dev.lingyu.engine.Scorer;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderConfig;
import dev.lingyu.model.DecoderWeights;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Position;
import dev.lingyu.model.RopeScaling;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.train.AdamW;
import dev.lingyu.train.CausalLmObjective;
import dev.lingyu.train.LearningRate;
import dev.lingyu.train.OptimizerSettings;
import dev.lingyu.train.TrainingRow;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.IntConsumer;

/// How well a model reads texts longer than those it was trained on, by how it knows order (Press et al. 2022,
/// "Train short, test long").
final class Extrapolation {
    /// The lengths that are looked at, in trained lengths.
    static final List<Integer> FACTORS = List.of(1, 2, 4);

    private Extrapolation() {}

    /// A model that is trained here: LLaMA's blocks, whatever the positions.
    ///
    /// @param length tokens of a training row
    /// @param steps  updates of `batch` rows
    record Training(int vocabulary, int hidden, int layers, int heads, int length, int batch, int steps, long seed) {
        ModelConfig shape(Position position) {
            DecoderConfig decoder = DecoderConfig.builder(position)
                    .vocabularySize(vocabulary)
                    .hiddenSize(hidden)
                    .layers(layers)
                    .heads(heads)
                    .keyValueHeads(heads)
                    .headSize(hidden / heads)
                    .intermediateSize(hidden * 8 / 3 / 8 * 8)
                    .normEpsilon(1e-5)
                    .gated(true)
                    .tiedHead(true)
                    .maxPositions(length)
                    .build();
            return ModelConfig.of(
                    "llama",
                    decoder,
                    new ModelConfig.SpecialTokens(OptionalInt.empty(), List.of(), OptionalInt.empty()));
        }

        Position rope() {
            return new Position.Rope(10000, hidden / heads, false, new RopeScaling.None());
        }
    }

    /// Perplexity by length, for one kind of positions.
    ///
    /// @param positions what it is called
    /// @param byFactor  perplexity at 1, 2, 4 trained lengths
    record Row(String positions, Map<Integer, Double> byFactor) {}

    /// Trains a model on windows of a text and writes its weights.
    ///
    /// @param tokens   the text to learn from
    /// @param target   a directory for `model.safetensors`
    /// @param progress is told the step
    /// @return the mean loss of the last tenth of the steps, in nats
    static double train(ModelConfig config, Training training, int[] tokens, Path target, IntConsumer progress)
            throws IOException {
        OptimizerSettings settings = new OptimizerSettings(OptimizerSettings.Kind.ADAMW, 0.9, 0.99, 1e-8, 0.1, true);
        LearningRate schedule =
                new LearningRate(LearningRate.Shape.COSINE, 3e-3, Math.max(1, training.steps() / 20), training.steps());
        Random random = new Random(training.seed());
        double loss = 0;
        int counted = 0;
        try (Decoder decoder = DecoderWeights.random(config, DType.F32, training.seed())) {
            decoder.parameters().forEach(p -> p.trainable(true));
            try (AdamW optimizer = new AdamW(decoder.parameters(), settings)) {
                CausalLmObjective objective = new CausalLmObjective(decoder, optimizer, false);
                double scale = 1.0 / (training.batch() * (training.length() - 1.0));
                for (int step = 0; step < training.steps(); step++) {
                    List<TrainingRow> rows = new ArrayList<>();
                    for (int row = 0; row < training.batch(); row++) {
                        int from = random.nextInt(tokens.length - training.length());
                        rows.add(TrainingRow.all(Arrays.copyOfRange(tokens, from, from + training.length())));
                    }
                    CausalLmObjective.Outcome outcome = objective.accumulate(rows, scale);
                    optimizer.clip(optimizer.gradientNorm(), 1);
                    optimizer.step(schedule.at(step));
                    if (step >= training.steps() * 9 / 10) {
                        loss += outcome.meanLoss();
                        counted++;
                    }
                    progress.accept(step + 1);
                }
            }
            try (Scope scope = Scope.open()) {
                SafetensorsWriter.writeSharded(target, DecoderWeights.tensors(decoder), Long.MAX_VALUE);
            }
        }
        return loss / counted;
    }

    /// Reads a text in windows of 1, 2 and 4 trained lengths: the same tokens each time, each window from
    /// position 0.
    ///
    /// @param directory the weights
    /// @param length    the trained length
    /// @param tokens    a text that was not learned from
    static Row measure(String name, Path directory, ModelConfig config, Position position, int length, int[] tokens) {
        DecoderConfig shape = config.decoder().toBuilder().position(position).build();
        int longest = length * FACTORS.getLast();
        int usable = tokens.length / longest * longest;
        Map<Integer, Double> byFactor = new LinkedHashMap<>();
        try (Decoder decoder =
                DecoderWeights.load(directory, config.withDecoder(shape), DType.F32, Device.CPU, false)) {
            // A window goes through whole: what dynamic scaling does depends on the length it sees.
            Scorer scorer = new Scorer(decoder, Math.max(longest, 1024));
            for (int factor : FACTORS) {
                if (position instanceof Position.Learned learned && length * factor > learned.positions()) {
                    byFactor.put(factor, Double.NaN);
                    continue;
                }
                List<int[]> windows = new ArrayList<>();
                for (int at = 0; at < usable; at += length * factor) {
                    windows.add(Arrays.copyOfRange(tokens, at, at + length * factor));
                }
                byFactor.put(factor, Scorer.perplexity(scorer.score(windows)));
            }
        }
        return new Row(name, byFactor);
    }

    /// The kinds of rotary positions that are tried on one set of weights.
    static Map<String, Position> scalings(Position.Rope rope, int length) {
        Map<String, Position> kinds = new LinkedHashMap<>();
        kinds.put("RoPE", with(rope, new RopeScaling.None()));
        for (int factor : List.of(2, 4)) {
            kinds.put("RoPE, linear × " + factor, with(rope, new RopeScaling.Linear(factor)));
        }
        for (int factor : List.of(2, 4)) {
            kinds.put("RoPE, dynamic × " + factor, with(rope, new RopeScaling.Dynamic(factor, length)));
        }
        return kinds;
    }

    private static Position.Rope with(Position.Rope rope, RopeScaling scaling) {
        return new Position.Rope(rope.theta(), rope.dimensions(), rope.interleaved(), scaling);
    }
}
