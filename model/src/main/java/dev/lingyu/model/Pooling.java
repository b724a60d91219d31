package dev.lingyu.model;

import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// How the features of a text's tokens become one vector.
public enum Pooling {
    /// The last layer's features of the first token, `[CLS]` (bge).
    CLS,
    /// The mean of the last layer over all tokens (m3e).
    MEAN,
    /// The mean over all tokens of the mean of the first and the last layer (BERT-flow, Li et al. 2020).
    FIRST_LAST_MEAN,
    /// The mean over all tokens of the mean of the embedding output and the last layer.
    EMBEDDING_LAST_MEAN,
    /// The mean of the last layer with weights 1, 2, 3 … (SGPT, Muennighoff 2022).
    LAST_WEIGHTED_MEAN;

    /// Guards the division by a vector's length.
    private static final double SMALLEST_LENGTH = 1e-12;

    /// Finds a pooling by its name in configs, such as `first_last_mean`.
    ///
    /// @throws ModelException listing the names
    public static Pooling parse(String name) {
        for (Pooling pooling : values()) {
            if (pooling.configName().equals(name)) {
                return pooling;
            }
        }
        throw new ModelException("Unknown pooling \"" + name + "\"; known are "
                + Arrays.stream(values()).map(Pooling::configName).collect(Collectors.joining(", ")) + ".");
    }

    /// The name in configs.
    public String configName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Pools each text of a batch.
    ///
    /// @param hiddenStates of [Encoder#hiddenStates]: embedding output first, each [tokens × hidden]
    /// @return [texts × hidden]
    public Tensor pool(List<Tensor> hiddenStates, TokenBatch batch) {
        Tensor last = hiddenStates.getLast();
        Tensor features = switch (this) {
            case CLS, MEAN, LAST_WEIGHTED_MEAN -> last;
            case FIRST_LAST_MEAN -> hiddenStates.get(1).add(last).mul(0.5);
            case EMBEDDING_LAST_MEAN -> hiddenStates.getFirst().add(last).mul(0.5);
        };
        List<Tensor> pooled = new ArrayList<>();
        int row = 0;
        for (int n : batch.lengths()) {
            pooled.add(weights(n).to(last.dtype()).to(last.device()).matmul(features.narrow(0, row, n)));
            row += n;
        }
        return Tensor.cat(pooled, 0);
    }

    /// What each of n tokens counts [1 × n]; the sum is 1.
    private Tensor weights(int n) {
        float[] weights = new float[n];
        for (int i = 0; i < n; i++) {
            weights[i] = switch (this) {
                case CLS -> i == 0 ? 1 : 0;
                case LAST_WEIGHTED_MEAN -> (float) (2.0 * (i + 1) / ((double) n * (n + 1)));
                default -> (float) (1.0 / n);
            };
        }
        return Tensor.of(weights, 1, n);
    }

    /// Scales rows to length 1.
    ///
    /// @param rows [n × hidden]
    public static Tensor unitLength(Tensor rows) {
        // Adding under the root keeps the gradient of a zero vector finite.
        Tensor squares = rows.square().sum(1).unsqueeze(1);
        return rows.div(squares.add(SMALLEST_LENGTH * SMALLEST_LENGTH).sqrt());
    }
}
