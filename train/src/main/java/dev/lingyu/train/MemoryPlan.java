package dev.lingyu.train;

import dev.lingyu.model.DecoderConfig;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.NativeMemory;
import java.util.Locale;

/// What a run needs, by part, beside what the machine has.
///
/// @param weights     the model as it computes, and f32 masters where it computes in 16 bits [bytes]
/// @param gradients   f32, of the trainable weights [bytes]
/// @param optimizer   two f32 moments of the trainable weights [bytes]
/// @param activations of one micro-batch, an estimate [bytes]
/// @param logits      of one chunk of the loss [bytes]
/// @param available   free memory of the machine, or −1 where it can't be known [bytes]
public record MemoryPlan(long weights, long gradients, long optimizer, long activations, long logits, long available) {
    /// Estimates a run on a CPU.
    ///
    /// @param dtype         what the model computes in
    /// @param all           weights of the model
    /// @param trainable     those that change
    /// @param tokensAtOnce  tokens of the largest micro-batch
    /// @param longest       tokens of the longest row
    public static MemoryPlan of(
            DecoderConfig c, DType dtype, long all, long trainable, long tokensAtOnce, int longest, boolean recompute) {
        long width = dtype.byteSize();
        long masters = dtype == DType.F32 ? 0 : 4 * trainable;
        // What autograd keeps of a block: its inputs, norms, q, k, v, contexts, the wide layer before and
        // behind its activation, and two score matrices per head.
        long perToken = 8L * c.hiddenSize()
                + 2L * (c.heads() + c.keyValueHeads()) * c.headSize()
                + (c.gated() ? 4L : 3L) * c.intermediateSize()
                + 2L * c.heads() * longest;
        long blocksKept = recompute ? 1 : c.layers();
        long activations = width * tokensAtOnce * (perToken * blocksKept + (long) c.layers() * c.hiddenSize());
        return new MemoryPlan(
                width * all + masters,
                4 * trainable,
                8 * trainable,
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
