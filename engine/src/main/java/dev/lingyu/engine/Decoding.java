package dev.lingyu.engine;

import dev.lingyu.model.KvCache;
import java.util.List;

/// One request's way of choosing tokens. The engine asks which rows to compute next, runs them together with
/// everybody else's, and hands back the logits behind each row's last token.
interface Decoding extends AutoCloseable {
    /// A piece of a sequence to compute.
    ///
    /// @param cache  the sequence's past, which grows by `tokens`
    /// @param tokens what follows; more than one only for a prompt
    record Row(KvCache cache, int[] tokens) {}

    /// The rows of the next step; none when the request is finished.
    List<Row> rows();

    /// Takes the outcome of those rows.
    ///
    /// @param logits one array of vocabulary size per row, in their order; only valid during the call
    void accept(float[][] logits);

    /// Ends all sequences where they are.
    void cancel();

    @Override
    void close();
}
