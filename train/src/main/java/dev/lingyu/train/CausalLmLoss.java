package dev.lingyu.train;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Optional;

/// The output layer and its cross-entropy as one operation, a few rows at a time, so that the logits of a
/// large vocabulary never exist all at once.
///
/// For features h, head W and label y of each row: `loss = logsumexp(W h) − (W h)[y]`. Its gradient
/// `p − onehot(y)`, with `p = softmax(W h)`, is pushed through the product right away:
/// `dh = (p − onehot)·W`, `dW += (p − onehot)ᵀ·h`.
final class CausalLmLoss {
    private static final long CHUNK_BYTES = 64L << 20;

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
    /// @param head         W [vocabulary × hidden]
    /// @param labels       int64 [rows], none of them ignored
    /// @param scale        what the summed loss is multiplied by before differentiation, such as 1 / labels of
    ///                     the
    ///                     step
    /// @param headGradient where dW is added, f32; empty for a frozen head
    static Outcome withGradients(
            Tensor features, Tensor head, Tensor labels, double scale, Optional<Tensor> headGradient) {
        long rows = features.size(0);
        long chunk = chunkRows(head);
        double loss = 0;
        long correct = 0;
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Tensor gradients = Tensor.empty(features.dtype(), features.device(), rows, features.size(1));
            for (long at = 0; at < rows; at += chunk) {
                long n = Math.min(chunk, rows - at);
                try (Scope inner = Scope.open()) {
                    Tensor h = features.narrow(0, at, n);
                    Tensor y = labels.narrow(0, at, n).unsqueeze(1);
                    Tensor logits = Functional.linear(h, head, Optional.empty());
                    correct += equalCount(logits.argmax(-1), y.squeeze(1));
                    Tensor logProbabilities = logits.to(DType.F32).logSoftmax(-1);
                    loss -= logProbabilities.gather(1, y).sumAsDouble();
                    Tensor g = logProbabilities.expInPlace();
                    g.scatterAddInPlace(1, y, Tensor.full(DType.F32, g.device(), -1, n, 1));
                    Tensor dLogits = g.mulInPlace(scale).to(features.dtype());
                    gradients.narrow(0, at, n).copyInPlace(dLogits.matmul(head));
                    if (headGradient.isPresent()) {
                        addProduct(headGradient.get(), dLogits.transpose(0, 1), h);
                    }
                }
            }
            return new Outcome(loss, correct, scope.keep(gradients));
        }
    }

    /// Loss alone.
    static Outcome withoutGradients(Tensor features, Tensor head, Tensor labels) {
        long rows = features.size(0);
        long chunk = chunkRows(head);
        double loss = 0;
        long correct = 0;
        for (long at = 0; at < rows; at += chunk) {
            long n = Math.min(chunk, rows - at);
            try (Scope scope = Scope.open();
                    Autograd.Mode off = Autograd.off()) {
                Tensor y = labels.narrow(0, at, n);
                Tensor logits = Functional.linear(features.narrow(0, at, n), head, Optional.empty());
                correct += equalCount(logits.argmax(-1), y);
                loss -= logits.to(DType.F32)
                        .logSoftmax(-1)
                        .gather(1, y.unsqueeze(1))
                        .sumAsDouble();
            }
        }
        return new Outcome(loss, correct, features);
    }

    private static long chunkRows(Tensor head) {
        return Math.max(1, CHUNK_BYTES / (4 * head.size(0)));
    }

    private static long equalCount(Tensor a, Tensor b) {
        return (long) a.equalTo(b).sumAsDouble();
    }

    private static void addProduct(Tensor target, Tensor a, Tensor b) {
        if (b.dtype() == DType.F32) {
            target.addMatmulInPlace(a, b);
        } else {
            target.addInPlace(a.matmul(b));
        }
    }
}
