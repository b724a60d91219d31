package dev.lingyu.engine;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.KvCache;
import dev.lingyu.model.Position;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How probable a model finds given tokens: `log p(token_t | token_0 … token_{t−1})`.
///
/// Short rows go through the model together, laid end to end without padding; a long row goes through in
/// pieces that share a KV cache. Logits exist for a few tokens at a time only, so neither the length of a row
/// nor a vocabulary of 250,880 decides how much memory is needed.
///
/// ```java
/// List<Scorer.Score> scores = new Scorer(model.decoder()).score(List.of(ids, otherIds));
/// System.out.println(Scorer.perplexity(scores));
/// ```
///
/// All calls must come from one thread, as all work with tensors.
public final class Scorer {
    /// Tokens that go through the blocks together.
    private static final int BATCH_TOKENS = 1024;

    /// Logits that exist at once: 32 MiB in f32.
    private static final int LOGITS = 8 << 20;

    private final Decoder decoder;
    private final int batchTokens;
    private final int headRows;

    /// A scorer over a decoder, which stays the caller's.
    public Scorer(Decoder decoder) {
        this(decoder, BATCH_TOKENS, Math.max(1, LOGITS / decoder.config().vocabularySize()));
    }

    /// A scorer that takes longer rows whole.
    ///
    /// @param batchTokens tokens that go through the blocks together, and the longest row that goes through whole
    public Scorer(Decoder decoder, int batchTokens) {
        this(decoder, batchTokens, Math.max(1, LOGITS / decoder.config().vocabularySize()));
    }

    /// @param batchTokens tokens that go through the blocks together, and the longest row that goes through whole
    /// @param headRows    tokens whose logits exist at once
    Scorer(Decoder decoder, int batchTokens, int headRows) {
        this.decoder = decoder;
        this.batchTokens = batchTokens;
        this.headRows = headRows;
    }

    /// The score of one row.
    ///
    /// @param tokenLogprobs natural logarithms [tokens]; NaN for the first token, which nothing predicts
    /// @param logprob       the sum of all but the first; 0 for a row of one token
    /// @param tokens        how many tokens the row has
    public record Score(float[] tokenLogprobs, double logprob, int tokens) {
        private static Score of(float[] logprobs) {
            double sum = 0;
            for (int i = 1; i < logprobs.length; i++) {
                sum += logprobs[i];
            }
            return new Score(logprobs, sum, logprobs.length);
        }
    }

    /// Scores rows of token ids.
    ///
    /// @param rows each with at least one token
    /// @return one score for each row, in order
    /// @throws EngineException when a row is empty, holds an id that the model does not have, or is longer than
    ///     learned positions reach
    public List<Score> score(List<int[]> rows) {
        for (int i = 0; i < rows.size(); i++) {
            check(i, rows.get(i));
        }
        List<Score> scores = new ArrayList<>();
        try (Autograd.Mode off = Autograd.off()) {
            int next = 0;
            while (next < rows.size()) {
                int end = next + 1;
                long tokens = rows.get(next).length;
                while (end < rows.size() && tokens + rows.get(end).length <= batchTokens) {
                    tokens += rows.get(end++).length;
                }
                scores.addAll(
                        tokens > batchTokens
                                ? List.of(scoreInPieces(rows.get(next)))
                                : scoreTogether(rows.subList(next, end)));
                next = end;
            }
        }
        return scores;
    }

    /// `exp(−Σ logprob / Σ (tokens − 1))`: e to the mean negative log-likelihood of all predicted tokens of
    /// all rows; the first token of a row is not predicted. NaN where no token is predicted.
    public static double perplexity(List<Score> scores) {
        return Math.exp(-scores.stream().mapToDouble(Score::logprob).sum()
                / scores.stream().mapToLong(s -> s.tokens() - 1).sum());
    }

    private void check(int index, int[] row) {
        if (row.length == 0) {
            throw new EngineException(
                    EngineException.Kind.BAD_REQUEST, "Row " + (index + 1) + " to score is empty: give it a token.");
        }
        int vocabulary = decoder.config().vocabularySize();
        for (int id : row) {
            if (id < 0 || id >= vocabulary) {
                throw new EngineException(
                        EngineException.Kind.BAD_REQUEST,
                        "Row %d to score holds the token id %d; this model has the ids 0 to %d."
                                .formatted(index + 1, id, vocabulary - 1));
            }
        }
        if (decoder.config().position() instanceof Position.Learned learned && row.length > learned.positions()) {
            throw new EngineException(
                    EngineException.Kind.BAD_REQUEST,
                    "Row %d to score has %d tokens; this model has learned %d positions: cut the row."
                            .formatted(index + 1, row.length, learned.positions()));
        }
    }

    private List<Score> scoreTogether(List<int[]> rows) {
        try (Scope scope = Scope.open()) {
            TokenBatch batch = TokenBatch.of(rows);
            float[] logprobs = logprobs(decoder.features(batch, List.of()), following(batch.ids(), 0));
            List<Score> scores = new ArrayList<>();
            int at = 0;
            for (int[] row : rows) {
                // What the features of token t say concerns token t + 1.
                float[] own = new float[row.length];
                own[0] = Float.NaN;
                System.arraycopy(logprobs, at, own, 1, row.length - 1);
                scores.add(Score.of(own));
                at += row.length;
            }
            return scores;
        }
    }

    private Score scoreInPieces(int[] row) {
        float[] own = new float[row.length];
        own[0] = Float.NaN;
        try (KvCache cache = new KvCache(decoder, row.length)) {
            for (int at = 0; at < row.length; at += batchTokens) {
                int end = Math.min(row.length, at + batchTokens);
                TokenBatch piece = new TokenBatch(
                        Arrays.copyOfRange(row, at, end), new int[] {end - at}, new int[] {cache.length()});
                try (Scope scope = Scope.open()) {
                    float[] logprobs = logprobs(
                            decoder.features(piece, List.of(cache)),
                            following(piece.ids(), end < row.length ? row[end] : 0));
                    System.arraycopy(logprobs, 0, own, at + 1, end < row.length ? end - at : end - at - 1);
                }
            }
        }
        return Score.of(own);
    }

    /// The token behind each token; rows that lie end to end predict one token across each border, which nobody
    /// reads.
    private static int[] following(int[] ids, int behind) {
        int[] next = Arrays.copyOfRange(ids, 1, ids.length + 1);
        next[ids.length - 1] = behind;
        return next;
    }

    /// @param features [tokens × hidden]
    /// @param targets  the id whose log-probability is asked of each row [tokens]
    private float[] logprobs(Tensor features, int[] targets) {
        float[] logprobs = new float[targets.length];
        for (int at = 0; at < targets.length; at += headRows) {
            int count = Math.min(headRows, targets.length - at);
            try (Scope scope = Scope.open()) {
                Tensor logits = decoder.head(features.narrow(0, at, count));
                Tensor labels = Tensor.of(Arrays.copyOfRange(targets, at, at + count), count)
                        .to(decoder.device());
                float[] losses =
                        Functional.crossEntropyPerRow(logits, labels, -100).toFloats();
                for (int i = 0; i < count; i++) {
                    logprobs[at + i] = -losses[i];
                }
            }
        }
        return logprobs;
    }
}
