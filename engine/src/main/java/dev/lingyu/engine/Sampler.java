package dev.lingyu.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// Chooses the tokens of one sequence, one row of logits at a time.
///
/// A row goes through [LogitsRules] (bias, penalties, bans); greedy decoding then takes the best score,
/// sampling
/// divides
/// by the temperature, applies top-k, top-p, min-p and typical-p, and draws by the inverse cumulative
/// distribution
/// with
/// a number that depends on (seed, sequence, number of the token) alone. So the same request gives the same
/// tokens
/// whatever else runs beside it.
///
/// Serves greedy decoding and sampling; beam and contrastive search choose among several rows and use
/// [LogitsRules],
/// [TokenHistory] themselves. Not for several threads at once.
public final class Sampler {
    private static final int NONE = -1;
    private static final int NOT_A_NUMBER = -2;

    private final SamplingParams params;
    private final LogitsRules rules;
    private final TokenHistory history;
    private final RandomStream random;
    private final int vocabularySize;
    private final SamplingBuffers buffers;

    /// A sampler with working memory of its own; the first answer for its seed.
    ///
    /// @throws SamplingException as the other constructor
    public Sampler(SamplingParams params, int[] prompt, int[] eosIds, int vocabularySize) {
        this(params, prompt, eosIds, vocabularySize, 0, new SamplingBuffers());
    }

    /// A sampler for answer number `sequence` to a prompt.
    ///
    /// @param prompt token ids that the answer follows, each inside the vocabulary
    /// @param eosIds the model's end-of-text ids
    /// @param vocabularySize length of every row of logits
    /// @param sequence 0 to n-1 among the answers to one prompt: each draws from its own stream
    /// @param buffers working memory, which samplers that one thread calls may share
    /// @throws SamplingException when prompt or settings name an id that the model does not have
    public Sampler(
            SamplingParams params,
            int[] prompt,
            int[] eosIds,
            int vocabularySize,
            long sequence,
            SamplingBuffers buffers) {
        for (int id : prompt) {
            SamplingChecks.known("prompt", id, vocabularySize);
        }
        this.params = params;
        this.rules = new LogitsRules(params, eosIds, vocabularySize);
        this.history = new TokenHistory(prompt);
        this.random = new RandomStream(params.seed().orElseGet(RandomStream::freshSeed), sequence);
        this.vocabularySize = vocabularySize;
        this.buffers = buffers;
    }

    /// Chooses the next token and adds it to the history.
    ///
    /// @param logits `[vocabulary]`, the model's raw output; not changed
    /// @throws SamplingException when the row holds a NaN or +infinity, or no token is left to choose
    /// @throws IllegalStateException for beam and contrastive search
    public TokenChoice next(float[] logits) {
        if (params.decoder() == DecodingMethod.BEAM || params.decoder() == DecodingMethod.CONTRASTIVE) {
            throw new IllegalStateException(
                    "A sampler does not run " + params.decoder().label() + " search.");
        }
        int best = checkedBest(logits);
        int id = params.isGreedy() ? greedy(logits, best) : draw(logits);
        TokenChoice choice = describe(id, logits, logits[best]);
        history.append(id);
        return choice;
    }

    /// Adds a token that was chosen elsewhere, such as one of an answer that is taken up again.
    ///
    /// @throws SamplingException when the model does not have that id
    public void accept(int id) {
        SamplingChecks.known("accepted token", id, vocabularySize);
        history.append(id);
    }

    /// Whether a token ends the answer: end-of-text where that is not ignored, or a stop token of the request.
    public boolean ends(int id) {
        return rules.ends(id);
    }

    /// Tokens chosen or accepted so far.
    public int generated() {
        return history.generated();
    }

    /// The ids chosen or accepted so far.
    public int[] generatedIds() {
        return history.generatedIds();
    }

    /// The seed in use: the request's, or the fresh one drawn for it. The same seed gives the same tokens
    /// again.
    public long seed() {
        return random.seed();
    }

    /// The settings.
    public SamplingParams params() {
        return params;
    }

    /// The scores `[vocabulary]` that the next choice would be made from, -infinity where removed.
    float[] processedScores(float[] logits, int minTokensToKeep) {
        float[] result = new float[logits.length];
        distribution(logits, minTokensToKeep).scores(result);
        return result;
    }

    /// The probabilities `[vocabulary]` that the next draw would be made from.
    float[] probabilities(float[] logits, int minTokensToKeep) {
        float[] result = new float[logits.length];
        distribution(logits, minTokensToKeep).probabilities(result);
        return result;
    }

    private int greedy(float[] logits, int best) {
        if (rules.idle(history)) {
            return best;
        }
        float[] scores = buffers.copyOf(logits);
        rules.apply(scores, history);
        return remainingBest(scores);
    }

    private int draw(float[] logits) {
        return distribution(logits, 1).draw(random.uniform(history.generated()));
    }

    private Candidates distribution(float[] logits, int minTokensToKeep) {
        float[] scores = buffers.copyOf(logits);
        rules.apply(scores, history);
        float temperature = (float) params.temperature();
        if (temperature != 1) {
            for (int i = 0; i < scores.length; i++) {
                scores[i] /= temperature;
            }
        }
        float best = scores[remainingBest(scores)];
        Candidates candidates = buffers.candidates();
        int topK = params.topK() == 0 ? 0 : Math.max(params.topK(), minTokensToKeep);
        candidates.collect(scores, best, topK);
        if (params.topP() < 1) {
            candidates.keepMass(params.topP(), minTokensToKeep);
        }
        if (params.minP() > 0) {
            candidates.keepRelative(params.minP(), minTokensToKeep);
        }
        if (params.typicalP() < 1) {
            candidates.keepTypical(params.typicalP(), minTokensToKeep);
        }
        return candidates;
    }

    /// The lowest id with the largest logit of a row that holds numbers only.
    private int checkedBest(float[] logits) {
        if (logits.length != vocabularySize) {
            throw new IllegalArgumentException(
                    "A row of " + logits.length + " logits; expected " + vocabularySize + ", the vocabulary.");
        }
        int best = argmax(logits);
        if (best == NOT_A_NUMBER || (best >= 0 && logits[best] == Float.POSITIVE_INFINITY)) {
            throw new SamplingException("The model's logits for token " + (history.length() + 1)
                    + " of the sequence hold a NaN or an infinity; expected finite numbers. The weights are broken, or"
                    + " their values exceed the data type they are computed in: try float32.");
        }
        return remaining(best);
    }

    private int remainingBest(float[] scores) {
        return remaining(argmax(scores));
    }

    private int remaining(int best) {
        if (best < 0) {
            throw new SamplingException("No token is left to choose as token " + (history.length() + 1)
                    + " of the sequence: the model, bad_words_ids, no_repeat_ngram_size and min_new_tokens together ban"
                    + " all " + vocabularySize + "; expected settings that leave at least one.");
        }
        return best;
    }

    private static int argmax(float[] row) {
        int best = NONE;
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < row.length; i++) {
            // One comparison for nearly all elements; a NaN fails it too.
            if (!(row[i] <= largest)) {
                if (Float.isNaN(row[i])) {
                    return NOT_A_NUMBER;
                }
                largest = row[i];
                best = i;
            }
        }
        return best;
    }

    private TokenChoice describe(int id, float[] logits, float largest) {
        if (params.logprobs().isEmpty()) {
            return new TokenChoice(id, Float.NaN, List.of());
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp((double) logit - largest);
        }
        double normaliser = largest + Math.log(sum);
        List<TokenLogprob> alternatives = new ArrayList<>();
        for (int alternative : mostProbable(logits, params.logprobs().getAsInt())) {
            alternatives.add(new TokenLogprob(alternative, (float) (logits[alternative] - normaliser)));
        }
        return new TokenChoice(id, (float) (logits[id] - normaliser), alternatives);
    }

    /// The ids of the largest logits, best first, lower ids first among equals.
    private static List<Integer> mostProbable(float[] logits, int wanted) {
        if (wanted == 0) {
            return List.of();
        }
        Comparator<Integer> worstFirst =
                Comparator.<Integer>comparingDouble(id -> logits[id]).thenComparing(Comparator.reverseOrder());
        PriorityQueue<Integer> kept = new PriorityQueue<>(wanted, worstFirst);
        float bound = Float.NEGATIVE_INFINITY;
        for (int id = 0; id < logits.length; id++) {
            if (kept.size() < wanted) {
                kept.add(id);
                bound = logits[kept.element()];
            } else if (logits[id] > bound) {
                kept.remove();
                kept.add(id);
                bound = logits[kept.element()];
            }
        }
        return kept.stream().sorted(worstFirst.reversed()).toList();
    }
}
