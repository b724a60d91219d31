package dev.lingyu.model;

import java.util.Optional;

/// Everything in which decoder families differ. A family's file turns its `config.json` into this; [Decoder]
/// reads nothing else.
///
/// @param vocabularySize   rows of the embedding [tokens]
/// @param hiddenSize       features of a token between blocks
/// @param layers           blocks
/// @param heads            query heads
/// @param keyValueHeads    key and value heads; fewer than `heads` is grouped-query attention
/// @param headSize         features of a head
/// @param intermediateSize features inside the feed-forward layer
/// @param norm             the kind of normalisation
/// @param normEpsilon      ε inside its root
/// @param position         how order is known
/// @param activation       the feed-forward non-linearity
/// @param gated            SwiGLU: `down(act(gate(x)) · up(x))` instead of `down(act(up(x)))`
/// @param projections      how query, key and value matrices are stored
/// @param biases           which linear layers have a bias
/// @param embeddingNorm    BLOOM's LayerNorm behind the embedding
/// @param queryKeyNorm     Qwen3's RMSNorm of each query and key head
/// @param tiedHead         the output matrix is the embedding
/// @param slidingWindow    how far back a token sees, where that is limited
/// @param maxPositions     the longest sequence the family promises to handle [tokens]
/// @param initializerRange standard deviation of fresh weights
public record DecoderConfig(
        int vocabularySize,
        int hiddenSize,
        int layers,
        int heads,
        int keyValueHeads,
        int headSize,
        int intermediateSize,
        Norm norm,
        double normEpsilon,
        Position position,
        Activation activation,
        boolean gated,
        Projections projections,
        Biases biases,
        boolean embeddingNorm,
        boolean queryKeyNorm,
        boolean tiedHead,
        Optional<Window> slidingWindow,
        int maxPositions,
        double initializerRange) {

    /// The kind of normalisation.
    public enum Norm {
        /// Mean and variance, with weight and bias.
        LAYER_NORM,
        /// Root of the mean square, with a weight.
        RMS_NORM
    }

    /// How the query, key and value projections are stored.
    public enum Projections {
        /// Three matrices.
        SEPARATE,
        /// One matrix; its rows go head by head, each head with its query, key and value rows (BLOOM).
        FUSED_BY_HEAD,
        /// One matrix; all query rows, then all key rows, then all value rows (Baichuan, GPT-2, ChatGLM2).
        FUSED_BY_KIND
    }

    /// Which linear layers have a bias.
    ///
    /// @param queryKeyValue   the attention's inputs
    /// @param attentionOutput the attention's output
    /// @param feedForward     both or all three feed-forward matrices
    public record Biases(boolean queryKeyValue, boolean attentionOutput, boolean feedForward) {
        static final Biases ALL = new Biases(true, true, true);
        static final Biases NONE = new Biases(false, false, false);
    }

    /// A limit to how far back attention looks.
    ///
    /// @param tokens    how many tokens a token sees, itself included
    /// @param fromLayer the first layer that is limited; earlier ones see everything (Qwen2's
    ///                  `max_window_layers`)
    public record Window(int tokens, int fromLayer) {}

    public DecoderConfig {
        if (heads % keyValueHeads != 0) {
            throw new ModelException("config.json: " + heads + " attention heads can't share " + keyValueHeads
                    + " key/value heads: the first must be a multiple of the second.");
        }
    }

    /// The same decoder with an embedding of another size.
    public DecoderConfig withVocabularySize(int size) {
        return toBuilder().vocabularySize(size).build();
    }

    /// The same decoder with an output matrix of its own.
    public DecoderConfig untied() {
        return toBuilder().tiedHead(false).build();
    }

    /// A builder that starts from the most common choices: RMSNorm, SiLU, separate projections, no bias,
    /// untied head.
    public static Builder builder(Position position) {
        return new Builder(position);
    }

    /// A builder that starts from this config.
    public Builder toBuilder() {
        return builder(position)
                .vocabularySize(vocabularySize)
                .hiddenSize(hiddenSize)
                .layers(layers)
                .heads(heads)
                .keyValueHeads(keyValueHeads)
                .headSize(headSize)
                .intermediateSize(intermediateSize)
                .norm(norm)
                .normEpsilon(normEpsilon)
                .activation(activation)
                .gated(gated)
                .projections(projections)
                .biases(biases)
                .embeddingNorm(embeddingNorm)
                .queryKeyNorm(queryKeyNorm)
                .tiedHead(tiedHead)
                .slidingWindow(slidingWindow)
                .maxPositions(maxPositions)
                .initializerRange(initializerRange);
    }

    /// Sets the fields of a [DecoderConfig] by name.
    public static final class Builder {
        private Position position;
        private int vocabularySize;
        private int hiddenSize;
        private int layers;
        private int heads;
        private int keyValueHeads;
        private int headSize;
        private int intermediateSize;
        private Norm norm = Norm.RMS_NORM;
        private double normEpsilon;
        private Activation activation = Activation.SILU;
        private boolean gated;
        private Projections projections = Projections.SEPARATE;
        private Biases biases = Biases.NONE;
        private boolean embeddingNorm;
        private boolean queryKeyNorm;
        private boolean tiedHead;
        private Optional<Window> slidingWindow = Optional.empty();
        private int maxPositions;
        private double initializerRange = 0.02;

        private Builder(Position position) {
            this.position = position;
        }

        public Builder vocabularySize(int value) {
            vocabularySize = value;
            return this;
        }

        public Builder hiddenSize(int value) {
            hiddenSize = value;
            return this;
        }

        public Builder layers(int value) {
            layers = value;
            return this;
        }

        public Builder heads(int value) {
            heads = value;
            return this;
        }

        public Builder keyValueHeads(int value) {
            keyValueHeads = value;
            return this;
        }

        public Builder headSize(int value) {
            headSize = value;
            return this;
        }

        public Builder intermediateSize(int value) {
            intermediateSize = value;
            return this;
        }

        public Builder norm(Norm value) {
            norm = value;
            return this;
        }

        public Builder normEpsilon(double value) {
            normEpsilon = value;
            return this;
        }

        public Builder position(Position value) {
            position = value;
            return this;
        }

        public Builder activation(Activation value) {
            activation = value;
            return this;
        }

        public Builder gated(boolean value) {
            gated = value;
            return this;
        }

        public Builder projections(Projections value) {
            projections = value;
            return this;
        }

        public Builder biases(Biases value) {
            biases = value;
            return this;
        }

        public Builder embeddingNorm(boolean value) {
            embeddingNorm = value;
            return this;
        }

        public Builder queryKeyNorm(boolean value) {
            queryKeyNorm = value;
            return this;
        }

        public Builder tiedHead(boolean value) {
            tiedHead = value;
            return this;
        }

        public Builder slidingWindow(Optional<Window> value) {
            slidingWindow = value;
            return this;
        }

        public Builder maxPositions(int value) {
            maxPositions = value;
            return this;
        }

        public Builder initializerRange(double value) {
            initializerRange = value;
            return this;
        }

        /// @throws ModelException when the fields contradict each other
        public DecoderConfig build() {
            return new DecoderConfig(
                    vocabularySize,
                    hiddenSize,
                    layers,
                    heads,
                    keyValueHeads,
                    headSize,
                    intermediateSize,
                    norm,
                    normEpsilon,
                    position,
                    activation,
                    gated,
                    projections,
                    biases,
                    embeddingNorm,
                    queryKeyNorm,
                    tiedHead,
                    slidingWindow,
                    maxPositions,
                    initializerRange);
        }
    }
}
