package dev.lingyu.train;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Laps;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.CrossEntropyKernel;
import java.util.function.UnaryOperator;

/// The output layer and its cross-entropy as one operation, some rows at a time, so that the logits of a
/// large vocabulary never exist all at once, and in bf16 never as f32.
///
/// For features h, head W and label y of each row: `loss = logsumexp(W h) − (W h)[y]`. Its gradient
/// `d = p − onehot(y)`, with `p = softmax(W h)`, is pushed through the head right away: see [OutputLayer].
final class CausalLmLoss {
    /// Enough rows for a matrix product at full speed: 512 of a 250,880-word vocabulary in bf16.
    private static final long CHUNK_BYTES = 257L << 20;

    private CausalLmLoss() {}

    /// The outcome for some rows.
    ///
    /// @param loss             summed over the rows, unscaled, in f64
    /// @param correct          rows whose most likely token is the label
    /// @param featureGradients [rows × hidden], of `loss · scale`
    record Outcome(double loss, long correct, Tensor featureGradients) {}

    /// Loss and gradients.
    ///
    /// @param features     h [rows × hidden]
    /// @param head         gives logits, and takes their gradients
    /// @param rowBytes     of one row of logits
    /// @param labels       int64 [rows], none of them ignored
    /// @param scale        what the summed loss is multiplied by before differentiation, such as 1 / labels of
    ///                     the step
    static Outcome withGradients(Tensor features, OutputLayer head, long rowBytes, Tensor labels, double scale) {
        long rows = features.size(0);
        long chunk = chunkRows(rowBytes);
        boolean kernel = features.dtype() == DType.BF16 && features.device().equals(Device.CPU);
        double loss = 0;
        long correct = 0;
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Tensor gradients = Tensor.empty(features.dtype(), features.device(), rows, features.size(1));
            for (long at = 0; at < rows; at += chunk) {
                long n = Math.min(chunk, rows - at);
                try (Scope inner = Scope.open()) {
                    Tensor h = features.narrow(0, at, n);
                    Tensor y = labels.narrow(0, at, n);
                    Tensor logits = head.logits(h);
                    Laps.end("head product, forward");
                    LogitGradient d = kernel ? inPlace(logits, y, scale) : throughF32(logits, y, scale);
                    Laps.end("loss");
                    loss += d.loss();
                    correct += d.correct();
                    head.back(d.gradient(), h, gradients.narrow(0, at, n));
                    Laps.end("head product, weight gradients");
                }
            }
            return new Outcome(loss, correct, scope.keep(gradients));
        }
    }

    /// The gradient of some rows' logits [n × vocabulary].
    private record LogitGradient(Tensor gradient, double loss, long correct) {}

    private static LogitGradient inPlace(Tensor logits, Tensor labels, double scale) {
        CrossEntropyKernel.Outcome outcome = CrossEntropyKernel.lossAndGradient(logits, labels.toInts(), scale);
        return new LogitGradient(logits, outcome.loss(), outcome.correct());
    }

    private static LogitGradient throughF32(Tensor logits, Tensor labels, double scale) {
        long n = logits.size(0);
        Tensor y = labels.unsqueeze(1);
        long correct = equalCount(logits.argmax(-1), labels);
        Tensor logProbabilities = logits.to(DType.F32).logSoftmax(-1);
        double loss = -logProbabilities.gather(1, y).sumAsDouble();
        Tensor g = logProbabilities.expInPlace();
        g.scatterAddInPlace(1, y, Tensor.full(DType.F32, g.device(), -1, n, 1));
        return new LogitGradient(g.mulInPlace(scale).to(logits.dtype()), loss, correct);
    }

    /// Loss alone.
    ///
    /// @param head     from features to logits
    /// @param rowBytes of one row of logits
    static Outcome withoutGradients(Tensor features, UnaryOperator<Tensor> head, long rowBytes, Tensor labels) {
        long rows = features.size(0);
        long chunk = chunkRows(rowBytes);
        double loss = 0;
        long correct = 0;
        for (long at = 0; at < rows; at += chunk) {
            long n = Math.min(chunk, rows - at);
            try (Scope scope = Scope.open();
                    Autograd.Mode off = Autograd.off()) {
                Tensor y = labels.narrow(0, at, n);
                Tensor logits = head.apply(features.narrow(0, at, n));
                correct += equalCount(logits.argmax(-1), y);
                loss -= logits.to(DType.F32)
                        .logSoftmax(-1)
                        .gather(1, y.unsqueeze(1))
                        .sumAsDouble();
            }
        }
        return new Outcome(loss, correct, features);
    }

    private static long chunkRows(long rowBytes) {
        return Math.max(1, CHUNK_BYTES / rowBytes);
    }

    private static long equalCount(Tensor a, Tensor b) {
        return (long) a.equalTo(b).sumAsDouble();
    }
}
