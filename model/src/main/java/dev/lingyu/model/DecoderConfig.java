package dev.lingyu.model;

import java.util.OptionalInt;

/// Everything in which decoder families differ. A family's file turns its `config.json` into this; [Decoder] reads
/// nothing else.
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
/// @param slidingWindow    a token sees only this many, itself included
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
        OptionalInt slidingWindow,
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

    public DecoderConfig {
        if (heads % keyValueHeads != 0) {
            throw new ModelException("config.json: " + heads + " attention heads can't share " + keyValueHeads
                    + " key/value heads: the first must be a multiple of the second.");
        }
    }

    /// The same decoder with an embedding of another size.
    public DecoderConfig withVocabularySize(int size) {
        return with(size, tiedHead);
    }

    /// The same decoder with an output matrix of its own.
    public DecoderConfig untied() {
        return with(vocabularySize, false);
    }

    private DecoderConfig with(int newVocabularySize, boolean newTiedHead) {
        return new DecoderConfig(
                newVocabularySize,
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
                newTiedHead,
                slidingWindow,
                maxPositions,
                initializerRange);
    }
}
