package dev.lingyu.engine;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.KvCache;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Contrastive search (Su et al. 2022, eq. 5): of the k most probable tokens the one with the best
/// `(1 − α) · p(v) − α · max cos(h_v, h_j)` over all earlier tokens j, prompt included.
///
/// `p` is the softmax after [LogitsRules], `h` the features behind the final norm. To know `h_v`, all k
/// candidates go through the model, each in a cache of its own; the chosen one's logits then propose the next
/// candidates, so a token costs one step of k rows.
final class ContrastiveDecoding implements Decoding {
    private final GenerationRequest request;
    private final SequenceOutput output;
    private final int newTokenLimit;
    private final LogitsRules rules;
    private final TokenHistory history;
    private final SamplingBuffers buffers = new SamplingBuffers();
    private final FeatureMemory earlier;
    private final List<KvCache> caches = new ArrayList<>();
    private List<Candidate> candidates = List.of();
    private float[] proposal = new float[0];

    private record Candidate(int id, double probability) {}

    ContrastiveDecoding(LanguageModel model, GenerationRequest request, SequenceOutput output, int newTokenLimit) {
        Decoder decoder = model.decoder();
        int[] prompt = request.promptIds();
        this.request = request;
        this.output = output;
        this.newTokenLimit = newTokenLimit;
        this.rules = new LogitsRules(
                request.params(),
                model.endTokens().stream().mapToInt(id -> id).toArray(),
                decoder.config().vocabularySize());
        this.history = new TokenHistory(prompt);
        int room = prompt.length + Math.min(newTokenLimit, 256);
        this.earlier = new FeatureMemory(decoder.config().hiddenSize(), decoder.device(), room);
        this.caches.add(new KvCache(decoder, room));
    }

    @Override
    public List<Row> rows() {
        if (output.finished()) {
            return List.of();
        }
        if (candidates.isEmpty()) {
            return List.of(new Row(caches.getFirst(), request.promptIds(), true));
        }
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < candidates.size(); i++) {
            rows.add(new Row(caches.get(i), new int[] {candidates.get(i).id()}, true));
        }
        return rows;
    }

    @Override
    public void accept(List<Outcome> outcomes) {
        if (candidates.isEmpty()) {
            earlier.add(outcomes.getFirst().features().orElseThrow());
            while (caches.size() < request.params().contrastiveTopK()) {
                caches.add(caches.getFirst().copy());
            }
            propose(outcomes.getFirst().logits());
            return;
        }
        List<Tensor> features =
                outcomes.stream().map(o -> o.features().orElseThrow()).toList();
        int chosen = choose(earlier.likeness(features));
        int id = candidates.get(chosen).id();
        int best = Logits.checkedBest(proposal, history.length());
        TokenChoice choice =
                Logits.describe(id, proposal, best, request.params().logprobs());
        history.append(id);
        output.add(choice, rules.ends(id), newTokenLimit);
        if (!output.finished()) {
            earlier.add(features.get(chosen));
            KvCache cache = caches.get(chosen);
            for (KvCache other : caches) {
                if (other != cache) {
                    other.follow(cache, cache.length() - 1);
                }
            }
            propose(outcomes.get(chosen).logits());
        }
    }

    private int choose(double[] likeness) {
        double alpha = request.params().penaltyAlpha();
        int chosen = 0;
        double best = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < likeness.length; i++) {
            double score = (1 - alpha) * candidates.get(i).probability() - alpha * likeness[i];
            if (score > best) {
                best = score;
                chosen = i;
            }
        }
        return chosen;
    }

    private void propose(float[] logits) {
        Logits.checkedBest(logits, history.length());
        float[] scores = buffers.copyOf(logits);
        rules.apply(scores, history);
        int best = Logits.argmax(scores);
        if (best < 0) {
            throw new SamplingException("No token is left to choose as token " + (history.length() + 1)
                    + " of a contrastive search: the settings ban all " + scores.length
                    + "; expected bad_words_ids, no_repeat_ngram_size and min_new_tokens that leave at least one.");
        }
        double normaliser = Logits.logSumExp(scores, best);
        candidates = Logits.mostProbable(scores, request.params().contrastiveTopK()).stream()
                .filter(id -> scores[id] > Float.NEGATIVE_INFINITY)
                .map(id -> new Candidate(id, Math.exp(scores[id] - normaliser)))
                .toList();
        proposal = logits;
    }

    @Override
    public void cancel() {
        output.cancel();
    }

    @Override
    public void close() {
        caches.forEach(KvCache::close);
        caches.clear();
        earlier.close();
    }
}
