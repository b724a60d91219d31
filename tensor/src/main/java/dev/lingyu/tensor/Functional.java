package dev.lingyu.tensor;

import java.util.Optional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/// The functions that models are made of, named as in PyTorch's `torch.nn.functional`.
public final class Functional {
    private static final double NO_DROPOUT = 0.0;

    private Functional() {}

    /// Rows of a table.
    ///
    /// @param table [vocabulary × hidden]
    /// @param ids   int64, any shape
    /// @return ids' shape × hidden
    public static Tensor embedding(Tensor table, Tensor ids) {
        return Tensor.wrap(torch.embedding(table.handle(), ids.handle()));
    }

    /// `x · weightᵀ + bias`.
    ///
    /// @param x      [… × in]
    /// @param weight [out × in]
    /// @param bias   [out]
    /// @return [… × out]
    public static Tensor linear(Tensor x, Tensor weight, Optional<Tensor> bias) {
        if (bias.isEmpty()) {
            return Tensor.wrap(torch.linear(x.handle(), weight.handle()));
        }
        try (TensorOptional b = new TensorOptional(bias.get().handle())) {
            return Tensor.wrap(torch.linear(x.handle(), weight.handle(), b));
        }
    }

    /// `(x − mean) / √(variance + ε) · weight + bias` over the last dimension (Ba et al. 2016).
    public static Tensor layerNorm(Tensor x, Tensor weight, Tensor bias, double epsilon) {
        try (TensorOptional w = new TensorOptional(weight.handle());
                TensorOptional b = new TensorOptional(bias.handle())) {
            return Tensor.wrap(torch.layer_norm(x.handle(), new long[] {x.size(-1)}, w, b, epsilon, false));
        }
    }

    /// `x / √(mean(x²) + ε) · weight` over the last dimension (Zhang & Sennrich 2019), the mean taken in f32
    /// and the normalised value rounded to x's type before the product, as LLaMA does.
    public static Tensor rmsNorm(Tensor x, Tensor weight, double epsilon) {
        try (DoubleOptional e = new DoubleOptional(epsilon);
                TensorOptional none = new TensorOptional()) {
            if (x.dtype() == DType.F32) {
                try (TensorOptional w = new TensorOptional(weight.handle())) {
                    return Tensor.wrap(torch.rms_norm(x.handle(), new long[] {x.size(-1)}, w, e));
                }
            }
            return Scope.compute(() -> {
                Tensor wide = x.to(DType.F32);
                Tensor normed = Tensor.wrap(torch.rms_norm(wide.handle(), new long[] {x.size(-1)}, none, e));
                return normed.to(x.dtype()).mul(weight);
            });
        }
    }

    /// GELU in its tanh form, as BLOOM and GPT-2 use it (Hendrycks & Gimpel 2016, section 2).
    public static Tensor geluTanh(Tensor x) {
        return Tensor.wrap(torch.gelu(x.handle(), "tanh"));
    }

    /// GELU by the error function.
    public static Tensor gelu(Tensor x) {
        return Tensor.wrap(torch.gelu(x.handle()));
    }

    /// `x · σ(x)`.
    public static Tensor silu(Tensor x) {
        return Tensor.wrap(torch.silu(x.handle()));
    }

    /// `max(x, 0)`.
    public static Tensor relu(Tensor x) {
        return Tensor.wrap(torch.relu(x.handle()));
    }

    /// `softmax(q kᵀ · scale + mask) v` by libtorch's fused kernel: the fast way in f32, a trap in bf16 on
    /// CPUs.
    ///
    /// @param q    [batch × heads × n × d]
    /// @param k    [batch × heads × m × d]
    /// @param v    [batch × heads × m × d]
    /// @param mask added to the scores, broadcast to [batch × heads × n × m]
    /// @param causal whether row i sees columns ≤ i only (without a mask; n = m)
    /// @return [batch × heads × n × d]
    public static Tensor scaledDotProductAttention(
            Tensor q, Tensor k, Tensor v, Optional<Tensor> mask, boolean causal, double scale) {
        try (TensorOptional m = mask.isPresent() ? new TensorOptional(mask.get().handle()) : new TensorOptional();
                DoubleOptional s = new DoubleOptional(scale)) {
            return Tensor.wrap(torch.scaled_dot_product_attention(
                    q.handle(), k.handle(), v.handle(), m, NO_DROPOUT, causal, s, false));
        }
    }

    /// The negative log-likelihood of each label, `−log softmax(logits)[label]`, 0 where the label is `ignore`.
    ///
    /// @param logits [rows × vocabulary]
    /// @param labels int64 [rows]
    /// @return f32 [rows]
    public static Tensor crossEntropyPerRow(Tensor logits, Tensor labels, long ignore) {
        try (TensorOptional none = new TensorOptional();
                org.bytedeco.pytorch.Tensor wide = logits.handle().to(DType.F32.scalarType())) {
            return Tensor.wrap(torch.cross_entropy_loss(wide, labels.handle(), none, NO_REDUCTION, ignore, 0.0));
        }
    }

    private static final long NO_REDUCTION = 0;
}
