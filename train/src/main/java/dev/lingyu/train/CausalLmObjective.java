package dev.lingyu.train;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.GradientTape;
import dev.lingyu.model.Parameter;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Laps;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Next-token prediction: the mean of `−log p(label | tokens before)` over the labelled positions.
///
/// A decoder is differentiated one block at a time. Forward, each block's input is cut from its history;
/// backward, from the last block to the first, the block's [tape][GradientTape] turns the gradient of its output
/// into those of its weights, added to f32 buffers right away, and of its input, which is the gradient of the
/// block before. Only what one block recorded is ever touched at once; with `recompute` only block inputs are
/// kept, and each block runs forward again when its turn comes (Chen et al. 2016).
public final class CausalLmObjective {
    private final Decoder decoder;
    private final Optimizer optimizer;
    private final boolean recompute;
    private final Neftune noise;
    private final int lowestTrainedLayer;

    /// What a batch gave.
    ///
    /// @param loss    summed over the labels
    /// @param labels  how many there were
    /// @param correct how many were the most likely token
    public record Outcome(double loss, long labels, long correct) {
        /// The mean loss per label, in nats.
        public double meanLoss() {
            return labels == 0 ? 0 : loss / labels;
        }

        Outcome plus(Outcome other) {
            return new Outcome(loss + other.loss, labels + other.labels, correct + other.correct);
        }

        static final Outcome NONE = new Outcome(0, 0, 0);
    }

    /// @param optimizer  collects the gradients
    /// @param recompute  trade a second forward pass for the memory of the activations
    public CausalLmObjective(Decoder decoder, Optimizer optimizer, boolean recompute) {
        this(decoder, optimizer, recompute, Neftune.NONE);
    }

    /// @param noise added to the embeddings
    CausalLmObjective(Decoder decoder, Optimizer optimizer, boolean recompute, Neftune noise) {
        this.decoder = decoder;
        this.optimizer = optimizer;
        this.recompute = recompute;
        this.noise = noise;
        this.lowestTrainedLayer = lowestTrainedLayer();
    }

    /// Below this block nothing is trained, so the backward pass ends there; −1 when the embedding is.
    private int lowestTrainedLayer() {
        boolean embedding = optimizer.updates(decoder.tokenEmbedding())
                || decoder.embeddingAdapterParameters().stream().anyMatch(optimizer::updates)
                || decoder.embeddingNormParameters().stream().anyMatch(optimizer::updates)
                || decoder.positionEmbedding().filter(optimizer::updates).isPresent();
        if (embedding) {
            return -1;
        }
        for (int layer = 0; layer < decoder.config().layers(); layer++) {
            if (decoder.blockParameters(layer).stream().anyMatch(optimizer::updates)) {
                return layer;
            }
        }
        return decoder.config().layers();
    }

    /// A block's input and, where its activations are kept, its recorded output.
    private record Recording(Tensor input, Optional<Taped> output) {}

    private record Taped(GradientTape tape, Tensor output) {}

    /// Adds the gradients of `scale · Σ loss` over a batch to the optimiser's.
    ///
    /// @param rows  sequences of any lengths
    /// @param scale 1 / (labels of the whole step), so that the step's loss is a mean over its tokens, however
    ///              they are spread over micro-batches
    public Outcome accumulate(List<TrainingRow> rows, double scale) {
        Outcome sum = Outcome.NONE;
        for (List<TrainingRow> group : LengthGroups.of(rows, decoder.config().maxPositions())) {
            sum = sum.plus(accumulateGroup(group, scale));
        }
        return sum;
    }

    private Outcome accumulateGroup(List<TrainingRow> rows, double scale) {
        TokenBatch batch = TokenBatch.of(rows.stream().map(TrainingRow::ids).toList());
        try (Scope scope = Scope.open();
                Autograd.Mode on = Autograd.on();
                Decoder.Pass pass = decoder.begin(batch, List.of())) {
            Tensor lookedUp = Autograd.leaf(decoder.lookUp(pass));
            Tensor embedded = decoder.normalizeEmbedding(lookedUp);
            Tensor x = noisy(Autograd.detached(embedded), batch);
            List<Recording> recordings = new ArrayList<>();
            for (int layer = 0; layer < decoder.config().layers(); layer++) {
                Recording recording = forward(layer, x, pass);
                recordings.add(recording);
                x = recording.output().isPresent()
                        ? Autograd.detached(recording.output().get().output())
                        : runUnrecorded(layer, recording.input(), pass);
            }
            Laps.end("rest, forward");
            Tensor last = Autograd.leaf(x);
            Tensor finished = decoder.finish(last);
            Targets targets = Targets.of(rows, decoder);
            if (targets.count() == 0) {
                return Outcome.NONE;
            }
            CausalLmLoss.Outcome loss = loss(finished, targets, scale, pass);
            Tensor gradient = Tensor.zeros(finished.dtype(), finished.device(), finished.shape());
            gradient.indexAddInPlace(0, targets.rows(), loss.featureGradients());
            gradient = backward(finished, gradient, last, decoder.finalNormParameters());
            Laps.end("rest, backward");
            for (int layer = decoder.config().layers() - 1; layer >= Math.max(0, lowestTrainedLayer); layer--) {
                gradient = backwardBlock(layer, recordings.get(layer), gradient, pass);
            }
            Laps.end("rest, backward");
            if (lowestTrainedLayer < 0) {
                backwardEmbedding(embedded, lookedUp, gradient, pass, batch);
            }
            Laps.end("embedding gradient");
            return new Outcome(loss.loss(), targets.count(), loss.correct());
        }
    }

    private Tensor noisy(Tensor embedded, TokenBatch batch) {
        try (Autograd.Mode off = Autograd.off()) {
            return noise.apply(embedded, batch.lengths()[0], decoder.dropout().passes());
        }
    }

    private Recording forward(int layer, Tensor x, Decoder.Pass pass) {
        Tensor input = Autograd.leaf(x);
        return recompute || layer < lowestTrainedLayer
                ? new Recording(input, Optional.empty())
                : new Recording(input, Optional.of(tape(layer, input, pass)));
    }

    private Taped tape(int layer, Tensor input, Decoder.Pass pass) {
        GradientTape tape = new GradientTape(input);
        return new Taped(tape, tape.record(() -> decoder.block(layer, input, pass)));
    }

    private Tensor runUnrecorded(int layer, Tensor input, Decoder.Pass pass) {
        try (Autograd.Mode off = Autograd.off()) {
            return decoder.block(layer, input, pass);
        }
    }

    private CausalLmLoss.Outcome loss(Tensor finished, Targets targets, double scale, Decoder.Pass pass) {
        Tensor features = Autograd.detached(finished).indexSelect(0, targets.rows());
        try (OutputLayer head = OutputLayer.of(decoder, pass, optimizer)) {
            return CausalLmLoss.withGradients(features, head, OutputLayer.rowBytes(decoder), targets.labels(), scale);
        }
    }

    private Tensor backwardBlock(int layer, Recording recording, Tensor gradient, Decoder.Pass pass) {
        return Scope.compute(() -> {
            Taped taped = recording.output().orElseGet(() -> tape(layer, recording.input(), pass));
            try (GradientTape tape = taped.tape()) {
                Tensor inputGradient =
                        tape.backward(taped.output(), gradient, decoder.blockParameters(layer), optimizer);
                // The recording is spent: free its output now instead of at the end of the step.
                taped.output().close();
                gradient.close();
                return inputGradient;
            }
        });
    }

    /// Gradients of one recorded piece: added for its weights, returned for its input.
    private Tensor backward(Tensor output, Tensor gradient, Tensor input, List<Parameter> parameters) {
        return Scope.compute(() -> {
            List<Parameter> trained =
                    parameters.stream().filter(optimizer::updates).toList();
            List<Tensor> inputs = new ArrayList<>(values(trained));
            inputs.add(input);
            List<Optional<Tensor>> gradients = Autograd.gradients(output, gradient, inputs);
            accumulate(trained, gradients.subList(0, trained.size()));
            return gradients.getLast().orElseThrow();
        });
    }

    private void backwardEmbedding(
            Tensor embedded, Tensor lookedUp, Tensor gradient, Decoder.Pass pass, TokenBatch batch) {
        List<Parameter> norm = decoder.embeddingNormParameters();
        Tensor toRows = norm.isEmpty() ? gradient : backward(embedded, gradient, lookedUp, norm);
        backwardEmbeddingAdapters(toRows, pass);
        try (Autograd.Mode off = Autograd.off()) {
            Tensor wide = toRows.to(DType.F32);
            if (optimizer.updates(decoder.tokenEmbedding())) {
                optimizer
                        .gradientOf(decoder.tokenEmbedding())
                        .indexAddInPlace(0, batch.idTensor(decoder.device()), wide);
            }
            decoder.positionEmbedding()
                    .filter(optimizer::updates)
                    .ifPresent(positions -> optimizer
                            .gradientOf(positions)
                            .indexAddInPlace(0, batch.positionTensor(decoder.device()), wide));
        }
    }

    /// Adapters look their rows up once more, recorded: that costs little beside keeping what every step recorded.
    private void backwardEmbeddingAdapters(Tensor gradient, Decoder.Pass pass) {
        List<Parameter> trained = decoder.embeddingAdapterParameters().stream()
                .filter(optimizer::updates)
                .toList();
        if (!trained.isEmpty()) {
            Tensor lookedUp = decoder.lookUp(pass);
            accumulate(trained, Autograd.gradients(lookedUp, gradient, values(trained)));
        }
    }

    private static List<Tensor> values(List<Parameter> parameters) {
        return parameters.stream().map(Parameter::value).toList();
    }

    private void accumulate(List<Parameter> parameters, List<Optional<Tensor>> gradients) {
        try (Autograd.Mode off = Autograd.off()) {
            for (int i = 0; i < parameters.size(); i++) {
                Parameter parameter = parameters.get(i);
                gradients.get(i).ifPresent(gradient -> optimizer.accumulate(parameter, gradient));
            }
        }
    }

    /// Loss and accuracy without gradients.
    public static Outcome evaluate(Decoder decoder, List<TrainingRow> rows) {
        Outcome sum = Outcome.NONE;
        for (List<TrainingRow> group : LengthGroups.of(rows, decoder.config().maxPositions())) {
            sum = sum.plus(evaluateGroup(decoder, group));
        }
        return sum;
    }

    private static Outcome evaluateGroup(Decoder decoder, List<TrainingRow> rows) {
        TokenBatch batch = TokenBatch.of(rows.stream().map(TrainingRow::ids).toList());
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Targets targets = Targets.of(rows, decoder);
            if (targets.count() == 0) {
                return Outcome.NONE;
            }
            Tensor features = decoder.features(batch, List.of()).indexSelect(0, targets.rows());
            CausalLmLoss.Outcome outcome = CausalLmLoss.withoutGradients(
                    features, decoder::head, OutputLayer.rowBytes(decoder), targets.labels());
            return new Outcome(outcome.loss(), targets.count(), outcome.correct());
        }
    }

    /// The positions whose next token has a label: row numbers in the batch, and those labels.
    private record Targets(Tensor rows, Tensor labels, int count) {
        static Targets of(List<TrainingRow> rows, Decoder decoder) {
            int count = rows.stream().mapToInt(TrainingRow::labelCount).sum();
            int[] positions = new int[count];
            int[] labels = new int[count];
            int at = 0;
            int start = 0;
            for (TrainingRow row : rows) {
                for (int t = 1; t < row.labels().length; t++) {
                    if (row.labels()[t] != TrainingRow.IGNORE) {
                        positions[at] = start + t - 1;
                        labels[at++] = row.labels()[t];
                    }
                }
                start += row.ids().length;
            }
            return new Targets(
                    Tensor.of(positions, count).to(decoder.device()),
                    Tensor.of(labels, count).to(decoder.device()),
                    count);
        }
    }
}
