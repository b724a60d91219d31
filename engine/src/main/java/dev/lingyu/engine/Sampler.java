package dev.lingyu.engine;

/// Chooses the tokens of one sequence, one row of logits at a time.
///
/// A row goes through [LogitsRules] (bias, penalties, bans); greedy decoding then takes the best score.
/// Sampling divides by the temperature, applies top-k, top-p, min-p and typical-p, and draws by the inverse
/// cumulative distribution with a number that depends on (seed, sequence, number of the token) alone. So the
/// same request gives the same tokens whatever else runs beside it.
///
/// Serves greedy decoding and sampling. Beam and contrastive search choose among several rows and have books of
/// their own. Not for several threads at once.
public final class Sampler {
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
        TokenChoice choice = Logits.describe(id, logits, best, params.logprobs());
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

    /// Whether a token ends the answer: end-of-text where that is not ignored, or a stop token of the
    /// request.
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
        return Logits.checkedBest(logits, history.length());
    }

    private int remainingBest(float[] scores) {
        int best = Logits.argmax(scores);
        if (best < 0) {
            throw new SamplingException("No token is left to choose as token " + (history.length() + 1)
                    + " of the sequence: the model, bad_words_ids, no_repeat_ngram_size and min_new_tokens together ban"
                    + " all " + vocabularySize + "; expected settings that leave at least one.");
        }
        return best;
    }
}
