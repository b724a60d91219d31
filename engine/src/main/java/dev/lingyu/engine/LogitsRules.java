package dev.lingyu.engine;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// What a request changes in a row of scores before a token is chosen: bias, penalties and bans.
///
/// Applied in Hugging Face's order: logit bias, repetition penalty, no-repeat n-grams, bad words, minimum
/// length; OpenAI's presence and frequency penalties, which Hugging Face lacks, come right after the
/// repetition penalty. Only ids that were seen or named are visited. Stateless apart from the settings: beams
/// of one search share it.
public final class LogitsRules {
    private final SamplingParams params;
    private final int[] biasIds;
    private final float[] biases;
    private final int[][] badWords;
    private final int[] eosIds;
    private final int[] stopIds;

    /// The rules of a request for a model.
    ///
    /// @param eosIds the model's end-of-text ids; those outside the vocabulary are ignored, they can't be
    ///     generated
    /// @param vocabularySize length of a row of logits
    /// @throws SamplingException when the request names an id that the model does not have
    public LogitsRules(SamplingParams params, int[] eosIds, int vocabularySize) {
        this.params = params;
        this.eosIds = Arrays.stream(eosIds)
                .filter(id -> id >= 0 && id < vocabularySize)
                .distinct()
                .toArray();
        this.biasIds = params.logitBias().keySet().stream()
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
        this.biases = new float[biasIds.length];
        Map<Integer, Double> bias = params.logitBias();
        for (int i = 0; i < biasIds.length; i++) {
            SamplingChecks.known("logit_bias", biasIds[i], vocabularySize);
            biases[i] = bias.getOrDefault(biasIds[i], 0.0).floatValue();
        }
        this.badWords = params.badWords().stream().map(LogitsRules::toArray).toArray(int[][]::new);
        for (int[] word : badWords) {
            for (int id : word) {
                SamplingChecks.known("bad_words_ids", id, vocabularySize);
            }
        }
        this.stopIds = toArray(params.stopTokenIds());
        for (int id : stopIds) {
            SamplingChecks.known("stop_token_ids", id, vocabularySize);
        }
    }

    private static int[] toArray(List<Integer> ids) {
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    /// Whether a token ends the answer: a stop token, or end-of-text where that is not ignored.
    public boolean ends(int id) {
        return contains(stopIds, id) || (!params.ignoreEos() && contains(eosIds, id));
    }

    /// How many ids end an answer.
    int endCount() {
        return (int) IntStream.concat(Arrays.stream(stopIds), Arrays.stream(eosIds))
                .filter(this::ends)
                .distinct()
                .count();
    }

    /// Whether [#apply] would leave every row with this history as it is.
    public boolean idle(TokenHistory history) {
        return biasIds.length == 0
                && params.repetitionPenalty() == 1
                && params.presencePenalty() == 0
                && params.frequencyPenalty() == 0
                && params.noRepeatNgram() == 0
                && badWords.length == 0
                && history.generated() >= params.minNewTokens();
    }

    /// Changes a row of scores in place; a banned token's score becomes -infinity.
    ///
    /// @param scores `[vocabulary]`, logits or log-probabilities
    public void apply(float[] scores, TokenHistory history) {
        for (int i = 0; i < biasIds.length; i++) {
            scores[biasIds[i]] += biases[i];
        }
        penaliseRepetition(scores, history);
        penalisePresence(scores, history);
        banRepeatedNgrams(scores, history);
        banBadWords(scores, history);
        banEarlyEnd(scores, history);
    }

    private void penaliseRepetition(float[] scores, TokenHistory history) {
        float penalty = (float) params.repetitionPenalty();
        if (penalty == 1) {
            return;
        }
        for (int entry = 0; entry < history.distinctCount(); entry++) {
            int id = history.distinct(entry);
            scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
        }
    }

    private void penalisePresence(float[] scores, TokenHistory history) {
        double presence = params.presencePenalty();
        double frequency = params.frequencyPenalty();
        if (presence == 0 && frequency == 0) {
            return;
        }
        for (int entry = 0; entry < history.distinctCount(); entry++) {
            int count = history.generatedCount(entry);
            if (count > 0) {
                scores[history.distinct(entry)] -= (float) (presence + frequency * count);
            }
        }
    }

    /// Bans every id that once followed the last `n - 1` tokens.
    private void banRepeatedNgrams(float[] scores, TokenHistory history) {
        int n = params.noRepeatNgram();
        if (n == 0) {
            return;
        }
        int prefix = n - 1;
        int tail = history.length() - prefix;
        for (int start = 0; start < tail; start++) {
            int matched = 0;
            while (matched < prefix && history.id(start + matched) == history.id(tail + matched)) {
                matched++;
            }
            if (matched == prefix) {
                scores[history.id(start + prefix)] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private void banBadWords(float[] scores, TokenHistory history) {
        for (int[] word : badWords) {
            int last = word[word.length - 1];
            // As in Hugging Face, end-of-text is never a bad word: an answer must be able to end.
            boolean isEnd = word.length == 1 && contains(eosIds, last);
            if (!isEnd && endsWithPrefix(history, word)) {
                scores[last] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private static boolean endsWithPrefix(TokenHistory history, int[] word) {
        int prefix = word.length - 1;
        int start = history.length() - prefix;
        if (start < 0) {
            return false;
        }
        for (int i = 0; i < prefix; i++) {
            if (history.id(start + i) != word[i]) {
                return false;
            }
        }
        return true;
    }

    private void banEarlyEnd(float[] scores, TokenHistory history) {
        if (history.generated() >= params.minNewTokens()) {
            return;
        }
        for (int id : eosIds) {
            scores[id] = Float.NEGATIVE_INFINITY;
        }
        for (int id : stopIds) {
            scores[id] = Float.NEGATIVE_INFINITY;
        }
    }

    private static boolean contains(int[] ids, int id) {
        for (int candidate : ids) {
            if (candidate == id) {
                return true;
            }
        }
        return false;
    }
}
