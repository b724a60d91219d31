package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The loss whose gradients the golden folders hold: cross-entropy of the next token, the mean over all labels.
final class GoldenLoss {
    private static final long IGNORE = -100;

    private GoldenLoss() {}

    /// The logits of every token, recorded for differentiation [tokens × vocabulary].
    static Tensor recordedLogits(Decoder decoder, TokenBatch batch) {
        try (Autograd.Mode on = Autograd.on();
                Decoder.Pass pass = decoder.begin(batch, List.of())) {
            Tensor x = decoder.embed(pass);
            for (int layer = 0; layer < decoder.config().layers(); layer++) {
                x = decoder.block(layer, x, pass);
            }
            return decoder.head(decoder.finish(x));
        }
    }

    /// The label of the next token at each token; rows are right-padded, so a row's tokens are its first ones.
    static long[] nextTokenLabels(Golden golden, List<int[]> rows) {
        long[] labels = golden.array("loss.labels").toLongs();
        int columns = Math.toIntExact(golden.array("loss.labels").size(1));
        List<Long> next = new ArrayList<>();
        for (int r = 0; r < rows.size(); r++) {
            for (int t = 1; t <= rows.get(r).length; t++) {
                next.add(t < rows.get(r).length ? labels[r * columns + t] : IGNORE);
            }
        }
        return next.stream().mapToLong(label -> label).toArray();
    }

    /// The mean over the labels that count.
    static Tensor mean(Tensor logits, long[] labels) {
        long counted = Arrays.stream(labels).filter(l -> l != IGNORE).count();
        try (Autograd.Mode on = Autograd.on()) {
            return Functional.crossEntropyPerRow(logits, Tensor.of(labels, labels.length), IGNORE)
                    .sum()
                    .mul(1.0 / counted);
        }
    }
}
