package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Laps;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.SoftmaxKernel;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// `softmax(q kᵀ · scale + bias) v` for many queries on the CPU: two batched products around [SoftmaxKernel], which
/// has scale, ALiBi and mask inside, and the backward pass written out.
///
/// ```
/// P = softmax(S), O = P V:   dV = Pᵀ dO,  dP = dO Vᵀ,  dS = P (dP − Σ P dP),  dQ = dS K,  dK = dSᵀ Q
/// ```
final class CausalAttention {
    private CausalAttention() {}

    /// Whether such attention is computed here: not where plain autograd records.
    static boolean takes(DType dtype, Device device) {
        return SoftmaxKernel.takes(dtype, device) && (GradientTape.current() != null || !Autograd.isRecording());
    }

    /// Attends.
    ///
    /// @param q    [b × n × heads × d], not scaled
    /// @param k    [b × keyValueHeads × m × d]
    /// @param v    as k
    /// @param view which scores count, for n queries
    /// @return [b · n × heads · d]
    static Tensor apply(Tensor q, Tensor k, Tensor v, SoftmaxKernel.View view) {
        GradientTape tape = GradientTape.current();
        if (tape == null) {
            return Scope.compute(() -> {
                Tensor probabilities = probabilities(rows(q, k.size(1)), matrices(k), view);
                return ungroup(probabilities.bmm(matrices(v)), q);
            });
        }
        Recorded recorded = new Recorded(tape, view);
        return tape.operation(List.of(q, k, v), recorded::forward, recorded::backward);
    }

    private static Tensor probabilities(Tensor q, Tensor k, SoftmaxKernel.View view) {
        Tensor scores = q.bmm(k.transpose(1, 2));
        SoftmaxKernel.softmax(scores, view);
        return scores;
    }

    /// Query heads that share a key head become rows of one matrix, so that keys need not be repeated.
    ///
    /// @param q [b × n × heads × d]
    /// @return [b · keyValueHeads × shared · n × d]
    private static Tensor rows(Tensor q, long keyValueHeads) {
        return q.transpose(1, 2)
                .reshape(q.size(0) * keyValueHeads, q.size(2) / keyValueHeads * q.size(1), q.size(3))
                .contiguous();
    }

    /// Contiguous, as [#rows] are: libtorch's batched product of views takes three times as long as the copy and it.
    private static Tensor matrices(Tensor k) {
        return k.reshape(k.size(0) * k.size(1), k.size(2), k.size(3)).contiguous();
    }

    /// The inverse of [#rows], heads side by side.
    private static Tensor ungroup(Tensor mixed, Tensor q) {
        return apart(mixed, q).reshape(q.size(0) * q.size(1), q.size(2) * q.size(3));
    }

    private static Tensor apart(Tensor mixed, Tensor q) {
        return mixed.view(q.size(0), q.size(2), q.size(1), q.size(3)).transpose(1, 2);
    }

    /// One attention on a tape, with what its backward pass needs.
    private static final class Recorded {
        private final GradientTape tape;
        private final SoftmaxKernel.View view;
        private @Nullable Saved saved;

        /// @param like what came in
        /// @param q    [#rows]
        /// @param k    [#matrices]
        /// @param v    [#matrices]
        private record Saved(List<Tensor> like, Tensor q, Tensor k, Tensor v, Tensor probabilities) {}

        Recorded(GradientTape tape, SoftmaxKernel.View view) {
            this.tape = tape;
            this.view = view;
        }

        Tensor forward(List<Tensor> in) {
            Laps.end("rest, forward");
            try (Scope scope = Scope.open()) {
                Tensor q = tape.keep(rows(in.get(0), in.get(1).size(1)));
                Tensor k = tape.keep(matrices(in.get(1)));
                Tensor v = tape.keep(matrices(in.get(2)));
                Tensor probabilities = tape.keep(probabilities(q, k, view));
                saved = new Saved(in, q, k, v, probabilities);
                Tensor context = scope.keep(ungroup(probabilities.bmm(v), in.get(0)));
                Laps.end("attention, forward");
                return context;
            }
        }

        List<Tensor> backward(Tensor gradient) {
            Saved s = Objects.requireNonNull(saved);
            Laps.end("rest, backward");
            Tensor q = s.like().get(0);
            Tensor k = s.like().get(1);
            Tensor rows = rows(gradient.reshape(q.shape()), k.size(1));
            Tensor dv = s.probabilities().transpose(1, 2).bmm(rows);
            Tensor scores = rows.bmm(s.v().transpose(1, 2));
            SoftmaxKernel.gradient(s.probabilities(), scores, view);
            Tensor dq = apart(scores.bmm(s.k()), q);
            Tensor dk = scores.transpose(1, 2).bmm(s.q());
            Laps.end("attention, backward");
            return List.of(dq, dk.view(k.shape()), dv.view(k.shape()));
        }
    }
}
