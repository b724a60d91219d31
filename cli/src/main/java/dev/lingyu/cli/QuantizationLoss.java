package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Arrays;
import java.util.Locale;

/// What rounding a model's weights changes, measured on one text in pieces of 256 tokens.
///
/// @param before    perplexity of the model as it was: the exponential of the mean of −ln p(token | earlier ones)
/// @param after     perplexity of the rounded model
/// @param error     root of the mean squared difference of logits
/// @param spread    root of the mean squared difference of the original logits from each token's mean: what error is to
///                  be held against
/// @param agreement share of tokens whose most likely successor stays the same
/// @param tokens    how many successors were predicted
record QuantizationLoss(
        double before, double after, double error, double spread, double agreement, long tokens) {
    private static final int PIECE = 256;

    /// Compares two models of one tokenizer.
    static QuantizationLoss measure(LanguageModel original, LanguageModel rounded, String text, int limit) {
        int[] ids = original.requireTokenizer().encode(text);
        ids = Arrays.copyOf(ids, Math.min(ids.length, limit));
        if (ids.length < 2) {
            throw new CliException("--text holds " + ids.length + " tokens; expected 2 or more.");
        }
        double lossBefore = 0;
        double lossAfter = 0;
        double squares = 0;
        double spread = 0;
        long same = 0;
        long count = 0;
        long values = 0;
        for (int at = 0; at + 1 < ids.length; at += PIECE) {
            int[] piece = Arrays.copyOfRange(ids, at, Math.min(ids.length, at + PIECE));
            if (piece.length < 2) {
                break;
            }
            try (Scope scope = Scope.open();
                    Autograd.Mode off = Autograd.off()) {
                Tensor labels = Tensor.of(Arrays.copyOfRange(piece, 1, piece.length), piece.length - 1);
                Tensor a = logits(original, piece);
                Tensor b = logits(rounded, piece);
                lossBefore += Functional.crossEntropyPerRow(a, labels, -100).sumAsDouble();
                lossAfter += Functional.crossEntropyPerRow(b, labels, -100).sumAsDouble();
                Tensor difference = b.sub(a);
                squares += difference.mul(difference).sumAsDouble();
                Tensor centred = a.sub(a.mean(-1).unsqueeze(1));
                spread += centred.mul(centred).sumAsDouble();
                int[] bestBefore = a.argmax(-1).toInts();
                int[] bestAfter = b.argmax(-1).toInts();
                for (int i = 0; i < bestBefore.length; i++) {
                    same += bestBefore[i] == bestAfter[i] ? 1 : 0;
                }
                count += bestBefore.length;
                values += a.count();
            }
        }
        return new QuantizationLoss(
                Math.exp(lossBefore / count),
                Math.exp(lossAfter / count),
                Math.sqrt(squares / values),
                Math.sqrt(spread / values),
                same / (double) count,
                count);
    }

    /// What predicts each token but the first, f32.
    private static Tensor logits(LanguageModel model, int[] ids) {
        return model.decoder().logits(TokenBatch.of(ids)).narrow(0, 0, ids.length - 1).to(DType.F32);
    }

    /// For people.
    String sentence() {
        return String.format(
                Locale.ROOT,
                "On %d tokens: perplexity %.3f before, %.3f after (%+.2f %%); logits differ by %.4f (their own spread is "
                        + "%.3f); the most likely token stays the same in %.1f %%.",
                tokens,
                before,
                after,
                100 * (after / before - 1),
                error,
                spread,
                100 * agreement);
    }
}
