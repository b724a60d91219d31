package dev.lingyu.model;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/// A linear layer from the features behind the final norm to scores: `w · h (+ b)`. With one output it is the
/// head of a reward model or of a critic, whose output at every token is that token's value.
public final class ScoreHead implements AutoCloseable {
    private final Parameter weight;
    private final Optional<Parameter> bias;

    ScoreHead(Parameter weight, Optional<Parameter> bias) {
        this.weight = weight;
        this.bias = bias;
    }

    /// A fresh head without bias, its weights from N(0, `range`²).
    ///
    /// @param outputs scores for each token
    public static ScoreHead random(int outputs, int hidden, double range, DType dtype, long seed) {
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(seed)) {
            Tensor weight = Tensor.zeros(DType.F32, outputs, hidden).normalInPlace(0, range, generator);
            return new ScoreHead(new Parameter(ScoringModel.SCORE, weight.to(dtype)), Optional.empty());
        }
    }

    /// Scores for each token.
    public int outputs() {
        return Math.toIntExact(weight.value().size(0));
    }

    /// Its weights, the matrix [outputs × hidden] first.
    public List<Parameter> parameters() {
        return bias.map(b -> List.of(weight, b)).orElse(List.of(weight));
    }

    /// Scores of tokens.
    ///
    /// @param features [tokens × hidden], behind the final norm
    /// @return [tokens × outputs]
    public Tensor apply(Tensor features) {
        return Functional.linear(features, weight.value(), bias.map(Parameter::value));
    }

    @Override
    public void close() {
        parameters().forEach(Parameter::close);
    }
}
