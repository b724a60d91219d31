package dev.lingyu.engine;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// What one request asks of the choice of tokens. Immutable; every value is checked when the record is made,
/// so an instance that exists is valid on its own. Ids are compared with a vocabulary later.
///
/// Names and meanings are Hugging Face's, and OpenAI's where only OpenAI has the setting. A setting that
/// another decoder reads is checked and otherwise ignored.
///
/// @param decoder how the next token is chosen; default `sample`
/// @param temperature scores are divided by it before a draw, 0 to 100; below 1e-5 the most probable
///     token; default 1
/// @param topK only the k best tokens, and those equal to the k-th, may be drawn; 0 (or -1) = off, the
///     default
/// @param topP only the smallest set of best tokens whose mass reaches p may be drawn, 0 to 1; default 1
///     = off
/// @param minP only tokens at least minP times as probable as the best may be drawn, 0 to 1; default 0 =
///     off
/// @param typicalP only the tokens nearest to the expected information, of that mass, above 0 to 1;
///     default 1 = off (Meister et al. 2022)
/// @param repetitionPenalty for every id of prompt and answer: score < 0 ? score * p : score / p; above
///     0; default 1 = off (Keskar et al. 2019)
/// @param presencePenalty subtracted once from the score of every id in the answer so far, -2 to 2;
///     default 0
/// @param frequencyPenalty subtracted as often as the id occurs in the answer so far, -2 to 2; default 0
/// @param noRepeatNgram no run of that many tokens of prompt and answer may occur again; default 0 = off
/// @param badWords runs of ids whose last id is banned where the rest stands just before; default none
/// @param logitBias added to the score of an id, -100 to 100, before all else; default none
/// @param minNewTokens end-of-text and stop tokens are banned until the answer has that many tokens;
///     default 0
/// @param maxNewTokens the answer ends with that many tokens at the latest, at least 1; default 512
/// @param stop texts that end the answer and are not part of it; default none
/// @param stopTokenIds ids that end the answer beside the model's end-of-text ids; default none
/// @param ignoreEos the model's end-of-text ids do not end the answer; default false
/// @param seed of the random stream; absent: a fresh one for each [Sampler]; default absent
/// @param logprobs absent: no log-probabilities are computed, the default; 0: that of the chosen token;
///     n: also those of the n most probable tokens
/// @param n answers to give for the prompt, 1 to 128; default 1
/// @param beams running sequences of a beam search, 1 to 64; default 4
/// @param lengthPenalty a beam's score is its log-probability / length ^ lengthPenalty; default 1
/// @param earlyStopping when a beam search ends; default [EarlyStopping#HEURISTIC]
/// @param penaltyAlpha weight of the likeness penalty of contrastive search, 0 to 1; default 0.6
/// @param contrastiveTopK candidates of contrastive search, at least 1; default 4
public record SamplingParams(
        DecodingMethod decoder,
        double temperature,
        int topK,
        double topP,
        double minP,
        double typicalP,
        double repetitionPenalty,
        double presencePenalty,
        double frequencyPenalty,
        int noRepeatNgram,
        List<List<Integer>> badWords,
        Map<Integer, Double> logitBias,
        int minNewTokens,
        int maxNewTokens,
        List<String> stop,
        List<Integer> stopTokenIds,
        boolean ignoreEos,
        OptionalLong seed,
        OptionalInt logprobs,
        int n,
        int beams,
        double lengthPenalty,
        EarlyStopping earlyStopping,
        double penaltyAlpha,
        int contrastiveTopK) {
    // Divided by less, ordinary logits overflow float32.
    private static final double COLDEST = 1e-5;

    /// Checks every value.
    ///
    /// @throws SamplingException naming the first setting that is out of range
    public SamplingParams {
        // vLLM's way of writing "off", which its clients send.
        topK = topK == -1 ? 0 : topK;
        badWords = badWords.stream().map(List::copyOf).toList();
        logitBias = Map.copyOf(logitBias);
        stop = List.copyOf(stop);
        stopTokenIds = List.copyOf(stopTokenIds);
        SamplingChecks.between("temperature", temperature, 0, 100);
        SamplingChecks.atLeast("top_k", topK, 0, "0 turns it off");
        SamplingChecks.between("top_p", topP, 0, 1);
        SamplingChecks.between("min_p", minP, 0, 1);
        SamplingChecks.positive("typical_p", typicalP, 1);
        SamplingChecks.positive("repetition_penalty", repetitionPenalty, 100);
        SamplingChecks.between("presence_penalty", presencePenalty, -2, 2);
        SamplingChecks.between("frequency_penalty", frequencyPenalty, -2, 2);
        SamplingChecks.atLeast("no_repeat_ngram_size", noRepeatNgram, 0, "0 turns it off");
        badWords.forEach(SamplingChecks::badWord);
        logitBias.forEach(SamplingChecks::bias);
        SamplingChecks.atLeast("max_new_tokens", maxNewTokens, 1, "");
        SamplingChecks.between("min_new_tokens", minNewTokens, 0, maxNewTokens, " (max_new_tokens)");
        stop.forEach(SamplingChecks::stop);
        stopTokenIds.forEach(id -> SamplingChecks.tokenId("stop_token_ids", id));
        logprobs.ifPresent(count -> SamplingChecks.between("logprobs", count, 0, 1000, ""));
        SamplingChecks.between("n", n, 1, 128, "");
        SamplingChecks.between("num_beams", beams, 1, 64, "");
        SamplingChecks.between("length_penalty", lengthPenalty, -100, 100);
        SamplingChecks.between("penalty_alpha", penaltyAlpha, 0, 1);
        SamplingChecks.atLeast("contrastive_top_k", contrastiveTopK, 1, "");
        SamplingChecks.answers(decoder, n, beams);
        SamplingChecks.alternatives(decoder, logprobs);
    }

    /// Greedy decoding, everything else at its default.
    public static SamplingParams greedy() {
        return builder().decoder(DecodingMethod.GREEDY).build();
    }

    /// A builder with the defaults named above.
    public static Builder builder() {
        return new Builder();
    }

    /// A builder with the values of this record, to change a few of them.
    public Builder toBuilder() {
        return new Builder(this);
    }

    /// Whether the choice is the most probable token: greedy decoding, or sampling at a temperature of 0
    /// (below 1e-5).
    public boolean isGreedy() {
        return decoder == DecodingMethod.GREEDY || (decoder == DecodingMethod.SAMPLE && temperature < COLDEST);
    }

    /// Collects settings; [#build()] checks them.
    public static final class Builder {
        private DecodingMethod decoder = DecodingMethod.SAMPLE;
        private double temperature = 1;
        private int topK;
        private double topP = 1;
        private double minP;
        private double typicalP = 1;
        private double repetitionPenalty = 1;
        private double presencePenalty;
        private double frequencyPenalty;
        private int noRepeatNgram;
        private List<List<Integer>> badWords = List.of();
        private Map<Integer, Double> logitBias = Map.of();
        private int minNewTokens;
        private int maxNewTokens = 512;
        private List<String> stop = List.of();
        private List<Integer> stopTokenIds = List.of();
        private boolean ignoreEos;
        private OptionalLong seed = OptionalLong.empty();
        private OptionalInt logprobs = OptionalInt.empty();
        private int n = 1;
        private int beams = 4;
        private double lengthPenalty = 1;
        private EarlyStopping earlyStopping = EarlyStopping.HEURISTIC;
        private double penaltyAlpha = 0.6;
        private int contrastiveTopK = 4;

        private Builder() {}

        private Builder(SamplingParams from) {
            this.decoder = from.decoder;
            this.temperature = from.temperature;
            this.topK = from.topK;
            this.topP = from.topP;
            this.minP = from.minP;
            this.typicalP = from.typicalP;
            this.repetitionPenalty = from.repetitionPenalty;
            this.presencePenalty = from.presencePenalty;
            this.frequencyPenalty = from.frequencyPenalty;
            this.noRepeatNgram = from.noRepeatNgram;
            this.badWords = from.badWords;
            this.logitBias = from.logitBias;
            this.minNewTokens = from.minNewTokens;
            this.maxNewTokens = from.maxNewTokens;
            this.stop = from.stop;
            this.stopTokenIds = from.stopTokenIds;
            this.ignoreEos = from.ignoreEos;
            this.seed = from.seed;
            this.logprobs = from.logprobs;
            this.n = from.n;
            this.beams = from.beams;
            this.lengthPenalty = from.lengthPenalty;
            this.earlyStopping = from.earlyStopping;
            this.penaltyAlpha = from.penaltyAlpha;
            this.contrastiveTopK = from.contrastiveTopK;
        }

        /// Sets [SamplingParams#decoder()].
        public Builder decoder(DecodingMethod decoder) {
            this.decoder = decoder;
            return this;
        }

        /// Sets [SamplingParams#temperature()].
        public Builder temperature(double temperature) {
            this.temperature = temperature;
            return this;
        }

        /// Sets [SamplingParams#topK()].
        public Builder topK(int topK) {
            this.topK = topK;
            return this;
        }

        /// Sets [SamplingParams#topP()].
        public Builder topP(double topP) {
            this.topP = topP;
            return this;
        }

        /// Sets [SamplingParams#minP()].
        public Builder minP(double minP) {
            this.minP = minP;
            return this;
        }

        /// Sets [SamplingParams#typicalP()].
        public Builder typicalP(double typicalP) {
            this.typicalP = typicalP;
            return this;
        }

        /// Sets [SamplingParams#repetitionPenalty()].
        public Builder repetitionPenalty(double repetitionPenalty) {
            this.repetitionPenalty = repetitionPenalty;
            return this;
        }

        /// Sets [SamplingParams#presencePenalty()].
        public Builder presencePenalty(double presencePenalty) {
            this.presencePenalty = presencePenalty;
            return this;
        }

        /// Sets [SamplingParams#frequencyPenalty()].
        public Builder frequencyPenalty(double frequencyPenalty) {
            this.frequencyPenalty = frequencyPenalty;
            return this;
        }

        /// Sets [SamplingParams#noRepeatNgram()].
        public Builder noRepeatNgram(int noRepeatNgram) {
            this.noRepeatNgram = noRepeatNgram;
            return this;
        }

        /// Sets [SamplingParams#badWords()]. Replaces what was set before.
        public Builder badWords(List<List<Integer>> badWords) {
            this.badWords = badWords;
            return this;
        }

        /// Sets [SamplingParams#logitBias()]. Replaces what was set before.
        public Builder logitBias(Map<Integer, Double> logitBias) {
            this.logitBias = logitBias;
            return this;
        }

        /// Sets [SamplingParams#minNewTokens()].
        public Builder minNewTokens(int minNewTokens) {
            this.minNewTokens = minNewTokens;
            return this;
        }

        /// Sets [SamplingParams#maxNewTokens()].
        public Builder maxNewTokens(int maxNewTokens) {
            this.maxNewTokens = maxNewTokens;
            return this;
        }

        /// Sets [SamplingParams#stop()]. Replaces what was set before.
        public Builder stop(List<String> stop) {
            this.stop = stop;
            return this;
        }

        /// Sets [SamplingParams#stopTokenIds()]. Replaces what was set before.
        public Builder stopTokenIds(List<Integer> stopTokenIds) {
            this.stopTokenIds = stopTokenIds;
            return this;
        }

        /// Sets [SamplingParams#ignoreEos()].
        public Builder ignoreEos(boolean ignoreEos) {
            this.ignoreEos = ignoreEos;
            return this;
        }

        /// Sets [SamplingParams#seed()].
        public Builder seed(long seed) {
            this.seed = OptionalLong.of(seed);
            return this;
        }

        /// Sets [SamplingParams#logprobs()].
        public Builder logprobs(int logprobs) {
            this.logprobs = OptionalInt.of(logprobs);
            return this;
        }

        /// Sets [SamplingParams#n()].
        public Builder n(int n) {
            this.n = n;
            return this;
        }

        /// Sets [SamplingParams#beams()].
        public Builder beams(int beams) {
            this.beams = beams;
            return this;
        }

        /// Sets [SamplingParams#lengthPenalty()].
        public Builder lengthPenalty(double lengthPenalty) {
            this.lengthPenalty = lengthPenalty;
            return this;
        }

        /// Sets [SamplingParams#earlyStopping()].
        public Builder earlyStopping(EarlyStopping earlyStopping) {
            this.earlyStopping = earlyStopping;
            return this;
        }

        /// Sets [SamplingParams#penaltyAlpha()].
        public Builder penaltyAlpha(double penaltyAlpha) {
            this.penaltyAlpha = penaltyAlpha;
            return this;
        }

        /// Sets [SamplingParams#contrastiveTopK()].
        public Builder contrastiveTopK(int contrastiveTopK) {
            this.contrastiveTopK = contrastiveTopK;
            return this;
        }

        /// The checked settings.
        ///
        /// @throws SamplingException naming the first setting that is out of range
        public SamplingParams build() {
            return new SamplingParams(
                    decoder,
                    temperature,
                    topK,
                    topP,
                    minP,
                    typicalP,
                    repetitionPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    noRepeatNgram,
                    badWords,
                    logitBias,
                    minNewTokens,
                    maxNewTokens,
                    stop,
                    stopTokenIds,
                    ignoreEos,
                    seed,
                    logprobs,
                    n,
                    beams,
                    lengthPenalty,
                    earlyStopping,
                    penaltyAlpha,
                    contrastiveTopK);
        }
    }
}
