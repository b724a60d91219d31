package dev.lingyu.engine;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.List;

/// The directions of the features of a sequence's tokens, in f32, to compare others with them. It grows as
/// needed.
final class FeatureMemory implements AutoCloseable {
    private Tensor directions;
    private int length;

    /// An empty memory.
    ///
    /// @param hidden   features of a token
    /// @param capacity tokens to reserve room for
    FeatureMemory(int hidden, Device device, int capacity) {
        directions = Tensor.empty(DType.F32, device, capacity, hidden).detachFromScope();
    }

    /// Remembers tokens.
    ///
    /// @param features [tokens × hidden], of any type
    void add(Tensor features) {
        try (Scope scope = Scope.open()) {
            int tokens = Math.toIntExact(features.size(0));
            reserve(length + tokens);
            directions.narrow(0, length, tokens).copyInPlace(direction(features));
            length += tokens;
        }
    }

    /// For each of some tokens the largest cosine between it and a remembered one.
    ///
    /// @param features one [1 × hidden] for each token
    double[] likeness(List<Tensor> features) {
        try (Scope scope = Scope.open()) {
            float[] cosines = direction(Tensor.cat(features, 0))
                    .matmul(directions.narrow(0, 0, length).transpose(0, 1))
                    .toFloats();
            double[] largest = new double[features.size()];
            for (int i = 0; i < largest.length; i++) {
                largest[i] = Double.NEGATIVE_INFINITY;
                for (int j = i * length; j < (i + 1) * length; j++) {
                    largest[i] = Math.max(largest[i], cosines[j]);
                }
            }
            return largest;
        }
    }

    private static Tensor direction(Tensor features) {
        Tensor wide = features.to(DType.F32);
        return wide.div(wide.square().sum(1).sqrt().unsqueeze(1));
    }

    private void reserve(int tokens) {
        long capacity = directions.size(0);
        if (tokens > capacity) {
            Tensor larger = Tensor.empty(
                            DType.F32, directions.device(), Math.max(tokens, 2 * capacity), directions.size(1))
                    .detachFromScope();
            larger.narrow(0, 0, length).copyInPlace(directions.narrow(0, 0, length));
            directions.close();
            directions = larger;
        }
    }

    @Override
    public void close() {
        directions.close();
    }
}
