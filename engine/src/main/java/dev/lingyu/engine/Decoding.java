package dev.lingyu.engine;

import dev.lingyu.model.KvCache;
import dev.lingyu.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/// One request's way of choosing tokens. The engine asks which rows to compute next, runs them together with
/// everybody else's, and hands back the logits behind each row's last token.
interface Decoding extends AutoCloseable {
    /// A piece of a sequence to compute.
    ///
    /// @param cache    the sequence's past, which grows by `tokens`
    /// @param tokens   what follows; more than one only for a prompt
    /// @param features whether the features of all these tokens are asked for as well
    record Row(KvCache cache, int[] tokens, boolean features) {
        /// A row of which only logits are asked.
        Row(KvCache cache, int[] tokens) {
            this(cache, tokens, false);
        }
    }

    /// What came of a row.
    ///
    /// @param logits   behind its last token [vocabulary]; the receiver's to change
    /// @param features of all its tokens behind the final norm [tokens × hidden], in the model's type, where
    ///     asked
    ///                 for; valid during the call only
    record Outcome(float[] logits, Optional<Tensor> features) {}

    /// The rows of the next step; none when the request is finished.
    List<Row> rows();

    /// Takes what came of those rows, in their order.
    void accept(List<Outcome> outcomes);

    /// Ends all sequences where they are.
    void cancel();

    @Override
    void close();

    /// How many rows a request takes once it runs.
    static int width(SamplingParams params) {
        return switch (params.decoder()) {
            case GREEDY, SAMPLE -> params.n();
            case BEAM -> params.beams();
            case CONTRASTIVE -> params.contrastiveTopK();
        };
    }
}
