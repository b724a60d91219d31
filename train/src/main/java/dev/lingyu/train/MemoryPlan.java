package dev.lingyu.train;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderConfig;
import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.NativeMemory;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// What a run needs, by part, beside what the machine has.
///
/// @param weights     the model as it computes, adapters, and what masters hold beyond it [bytes]
/// @param gradients   f32, of the trainable weights [bytes]
/// @param optimizer   moments of the trainable weights [bytes]
/// @param activations of one micro-batch, an estimate [bytes]
/// @param logits      of one chunk of the loss [bytes]
/// @param available   free memory of the machine, or −1 where it can't be known [bytes]
public record MemoryPlan(long weights, long gradients, long optimizer, long activations, long logits, long available) {
    /// The weights of a run and what is kept for each of them.
    ///
    /// @param all       the model's and its adapters' [bytes]
    /// @param trainable how many weights change
    /// @param in16Bits  how many of those have masters
    /// @param kind      of the optimiser
    record Weights(long all, long trainable, long in16Bits, OptimizerSettings.Kind kind) {
        static Weights of(Decoder decoder, Collection<Parameter> trained, OptimizerSettings.Kind kind) {
            Set<Parameter> all = new HashSet<>(decoder.parameters());
            all.addAll(trained);
            List<Parameter> changing =
                    trained.stream().filter(Parameter::trainable).toList();
            return new Weights(
                    all.stream().mapToLong(Parameter::byteCount).sum(),
                    changing.stream().mapToLong(Parameter::count).sum(),
                    changing.stream()
                            .filter(p -> p.dtype() != DType.F32)
                            .mapToLong(Parameter::count)
                            .sum(),
                    kind);
        }

        /// A 16-bit rest beside bf16 for AdamW on a CPU, else f32.
        private long masters(DType dtype) {
            return (dtype == DType.BF16 && kind == OptimizerSettings.Kind.ADAMW ? 2 : 4) * in16Bits;
        }

        private long moments() {
            return kind == OptimizerSettings.Kind.ADAFACTOR ? 0 : 8 * trainable;
        }
    }

    /// Estimates a run on a CPU.
    ///
    /// @param dtype         what the model computes in
    /// @param tokensAtOnce  tokens of the largest micro-batch
    /// @param longest       tokens of the longest row
    static MemoryPlan of(
            DecoderConfig c, DType dtype, Weights weights, long tokensAtOnce, int longest, boolean recompute) {
        long width = dtype.byteSize();
        // What autograd keeps of a block: its inputs, norms, q, k, v, contexts, the wide layer before and
        // behind its activation, and two score matrices per head.
        long perToken = 8L * c.hiddenSize()
                + 2L * (c.heads() + c.keyValueHeads()) * c.headSize()
                + (c.gated() ? 4L : 3L) * c.intermediateSize()
                + 2L * c.heads() * longest;
        long blocksKept = recompute ? 1 : c.layers();
        long activations = width * tokensAtOnce * (perToken * blocksKept + (long) c.layers() * c.hiddenSize());
        return new MemoryPlan(
                weights.all() + weights.masters(dtype),
                4 * weights.trainable(),
                weights.moments(),
                activations,
                logitBytes(c, dtype, tokensAtOnce),
                NativeMemory.available().orElse(-1));
    }

    /// One chunk of the loss: 16-bit logits in place on the CPU, else with f32 copies.
    private static long logitBytes(DecoderConfig c, DType dtype, long tokensAtOnce) {
        long chunk = Math.min(257L << 20, Math.max(1, tokensAtOnce) * c.vocabularySize() * dtype.byteSize());
        return (dtype == DType.BF16 ? 1 : 3) * chunk;
    }

    /// The sum of all parts [bytes].
    public long total() {
        return weights + gradients + optimizer + activations + logits;
    }

    /// @throws TrainException when the machine does not have it, with advice
    public void check() {
        if (available >= 0 && total() > available) {
            throw TrainException.input(("This run needs about %s of memory (weights %s, gradients %s, optimiser %s, "
                            + "activations %s, logits %s), %s are free. Lower per_device_train_batch_size or cutoff_len, set "
                            + "gradient_checkpointing: true, or take a smaller model.")
                    .formatted(
                            gigabytes(total()),
                            gigabytes(weights),
                            gigabytes(gradients),
                            gigabytes(optimizer),
                            gigabytes(activations),
                            gigabytes(logits),
                            gigabytes(available)));
        }
    }

    /// Bytes in words.
    public static String gigabytes(long bytes) {
        return bytes < 1L << 30
                ? String.format(Locale.ROOT, "%.0f MiB", bytes / 1048576.0)
                : String.format(Locale.ROOT, "%.1f GiB", bytes / 1073741824.0);
    }
}
