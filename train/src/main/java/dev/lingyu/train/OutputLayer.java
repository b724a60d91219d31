package dev.lingyu.train;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.GradientTape;
import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.Laps;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A decoder's head as its loss uses it: some rows forward, then the same rows back.
sealed interface OutputLayer extends AutoCloseable {
    /// Logits of the next rows.
    ///
    /// @param h [rows × hidden]
    /// @return [rows × vocabulary], which the caller may overwrite
    Tensor logits(Tensor h);

    /// Adds the gradients of the head's weights for those rows, and writes that of `h`.
    ///
    /// @param d    gradient of the logits; may be their memory
    /// @param h    as given to [#logits]
    /// @param into [rows × hidden]
    void back(Tensor d, Tensor h, Tensor into);

    /// Bytes of one row of a decoder's logits.
    static long rowBytes(Decoder decoder) {
        return (long) decoder.dtype().byteSize() * decoder.config().vocabularySize();
    }

    @Override
    default void close() {}

    /// The head as training sees it: a plain matrix, or one that adapters change.
    static OutputLayer of(Decoder decoder, Decoder.Pass pass, Optimizer optimizer) {
        return decoder.headAdapterParameters().isEmpty()
                ? new Plain(decoder.head(), Autograd.detached(decoder.head().value()), optimizer)
                : new Adapted(decoder, pass, optimizer);
    }

    /// `logits = h · Wᵀ`, and back `dh = d · W`, `dW += dᵀ · h`, all into memory that is kept.
    record Plain(Parameter parameter, Tensor weight, Optimizer optimizer) implements OutputLayer {
        @Override
        public Tensor logits(Tensor h) {
            Tensor logits = optimizer.memory().matrix("logits", weight, h.size(0), weight.size(0));
            logits.matmulInto(h, weight.transpose(0, 1));
            return logits;
        }

        @Override
        public void back(Tensor d, Tensor h, Tensor into) {
            into.matmulInto(d, weight);
            Laps.end("head product, input gradients");
            if (optimizer.updates(parameter)) {
                optimizer.accumulateProduct(parameter, d, h);
            }
        }
    }

    /// Through a tape, which knows what adapters do on the way.
    final class Adapted implements OutputLayer {
        private final Decoder decoder;
        private final Decoder.Pass pass;
        private final Optimizer optimizer;
        private int chunks;
        private @Nullable Taped taped;

        private record Taped(GradientTape tape, Tensor logits) {}

        Adapted(Decoder decoder, Decoder.Pass pass, Optimizer optimizer) {
            this.decoder = decoder;
            this.pass = pass;
            this.optimizer = optimizer;
        }

        @Override
        public Tensor logits(Tensor h) {
            close();
            Tensor leaf = Autograd.leaf(h);
            GradientTape tape = new GradientTape(leaf);
            Tensor logits = tape.record(() -> decoder.head(leaf, pass, chunks++));
            taped = new Taped(tape, logits);
            // Not the recording's own memory: what it needs on the way back must not be overwritten.
            return Autograd.detached(logits).copy();
        }

        @Override
        public void back(Tensor d, Tensor h, Tensor into) {
            Taped last = Objects.requireNonNull(taped);
            Scope.run(() -> into.copyInPlace(
                    last.tape().backward(last.logits(), d, decoder.headAdapterParameters(), optimizer)));
            close();
        }

        @Override
        public void close() {
            if (taped != null) {
                taped.tape().close();
                taped = null;
            }
        }
    }
}
