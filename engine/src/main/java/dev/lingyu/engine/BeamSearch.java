package dev.lingyu.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Predicate;

/// The books of a beam search over one prompt: which beams go on with which tokens, and which answers are
/// finished.
///
/// It runs no model. The caller feeds the tokens, keeps one cache for each running beam, and moves the caches
/// as [Extension#parent()] says:
///
///     BeamSearch search = new BeamSearch(params, prompt, eosIds, vocabularySize);
///     // prefill the prompt once: one running beam
///     while (!search.done()) {
///         List<BeamSearch.Extension> next = search.advance(rows);   // one row of logits for each running beam
///         // beam i now continues beam next.get(i).parent() with token next.get(i).token()
///     }
///     List<BeamSearch.Hypothesis> answers = search.best();
///
/// The rules are those of Hugging Face's library since 4.36. Each step ranks the best `2 * beams`
/// continuations (more with several end tokens) by summed log-probability after [LogitsRules]. One that ends
/// the answer is finished if it is among the first `beams`; the others run on. A finished answer's score is
/// its sum / (generated tokens, the end token included) ^ lengthPenalty; the best `beams` are kept, and
/// [EarlyStopping] says when they suffice. At the length limit the running beams compete with them.
public final class BeamSearch {
    private final SamplingParams params;
    private final LogitsRules rules;
    private final int vocabularySize;
    private final int newTokenLimit;
    private final int candidates;
    private final Predicate<int[]> stopped;
    private final SamplingBuffers buffers = new SamplingBuffers();
    private List<Beam> running;
    private final List<Hypothesis> finished = new ArrayList<>();
    private int generated;
    private boolean done;

    private record Beam(TokenHistory history, double sum, List<Float> logprobs) {}

    private record Candidate(int parent, int token, double sum, float logprob) {
        /// Best first; equal sums in the order of beams and ids.
        private static final Comparator<Candidate> BEST_FIRST = Comparator.comparingDouble(Candidate::sum)
                .reversed()
                .thenComparingInt(Candidate::parent)
                .thenComparingInt(Candidate::token);
    }

    /// A running beam after a step.
    ///
    /// @param parent number of the beam, before the step, that it continues
    /// @param token the id that it adds
    public record Extension(int parent, int token) {}

    /// A possible answer.
    ///
    /// @param ids generated ids, with the end token if there is one
    /// @param logprobs log-softmax of the raw logits at each id, as in [TokenChoice]
    /// @param score summed log-probability after [LogitsRules] / ids.size() ^ lengthPenalty
    /// @param ended whether an end token, the last id, or a stop text ended it; else the length limit cut it
    public record Hypothesis(List<Integer> ids, List<Float> logprobs, double score, boolean ended) {}

    /// A search with one running beam, the prompt.
    ///
    /// @throws SamplingException when prompt or settings name an id that the model does not have
    public BeamSearch(SamplingParams params, int[] prompt, int[] eosIds, int vocabularySize) {
        this(params, prompt, eosIds, vocabularySize, params.maxNewTokens(), ids -> false);
    }

    /// A search whose answers also end where the model's context does.
    ///
    /// @param newTokenLimit tokens of an answer at most, if that is less than `params.maxNewTokens()`; at least 1
    /// @param stopped whether generated ids are an answer that something else than an end token has ended, such
    ///     as
    ///     a stop text; such an answer counts as one that ends with an end token does
    /// @throws SamplingException when prompt or settings name an id that the model does not have
    public BeamSearch(
            SamplingParams params,
            int[] prompt,
            int[] eosIds,
            int vocabularySize,
            int newTokenLimit,
            Predicate<int[]> stopped) {
        SamplingChecks.atLeast("The room for new tokens", newTokenLimit, 1, "");
        for (int id : prompt) {
            SamplingChecks.known("prompt", id, vocabularySize);
        }
        this.params = params;
        this.rules = new LogitsRules(params, eosIds, vocabularySize);
        this.vocabularySize = vocabularySize;
        this.stopped = stopped;
        this.newTokenLimit = Math.min(newTokenLimit, params.maxNewTokens());
        this.candidates = Math.max(2, 1 + rules.endCount()) * params.beams();
        this.running = List.of(new Beam(new TokenHistory(prompt), 0, List.of()));
    }

    /// How many beams run, and so how many rows the next step takes: 1 at first, then up to `params.beams()`.
    public int rows() {
        return running.size();
    }

    /// Whether a token ends an answer: a stop token, or end-of-text where that is not ignored.
    public boolean ends(int id) {
        return rules.ends(id);
    }

    /// Whether nothing is left to do.
    public boolean done() {
        return done;
    }

    /// The generated ids of a running beam.
    public int[] generatedIds(int beam) {
        return running.get(beam).history().generatedIds();
    }

    /// One step.
    ///
    /// @param logits `[rows()][vocabulary]`, raw; replaced by processed log-probabilities
    /// @return the running beams from now on, best first; empty when the search is done
    /// @throws SamplingException when a row holds a NaN or +infinity, or nothing is left to choose
    public List<Extension> advance(float[][] logits) {
        if (done || logits.length != running.size()) {
            throw new IllegalStateException(
                    logits.length + " rows of logits; expected " + (done ? 0 : running.size()) + ".");
        }
        List<Candidate> ranked = rank(logits);
        generated++;
        List<Extension> extensions = new ArrayList<>();
        List<Beam> next = new ArrayList<>();
        for (int rank = 0; rank < ranked.size() && next.size() < params.beams(); rank++) {
            Candidate candidate = ranked.get(rank);
            Beam beam = continued(candidate);
            if (rules.ends(candidate.token()) || stopped.test(beam.history().generatedIds())) {
                if (rank < params.beams()) {
                    finish(beam, true);
                }
            } else {
                next.add(beam);
                extensions.add(new Extension(candidate.parent(), candidate.token()));
            }
        }
        running = next;
        if (suffices(ranked.getFirst().sum())) {
            done = true;
        } else if (generated == newTokenLimit || next.isEmpty()) {
            next.forEach(beam -> finish(beam, false));
            done = true;
        }
        if (done) {
            running = List.of();
            return List.of();
        }
        return List.copyOf(extensions);
    }

    /// The best `params.n()` answers, best first; fewer only where fewer exist.
    ///
    /// @throws IllegalStateException before the search is done
    public List<Hypothesis> best() {
        if (!done) {
            throw new IllegalStateException("The beam search is not done.");
        }
        return finished.stream()
                .sorted(Comparator.comparingDouble(Hypothesis::score).reversed())
                .limit(params.n())
                .toList();
    }

    private List<Candidate> rank(float[][] logits) {
        PriorityQueue<Candidate> kept = new PriorityQueue<>(candidates + 1, Candidate.BEST_FIRST.reversed());
        for (int row = 0; row < logits.length; row++) {
            Beam beam = running.get(row);
            float[] scores = logits[row];
            logSoftmax(scores, beam);
            // The model's own log-probabilities, which the rules are about to change.
            float[] raw = rules.idle(beam.history()) ? scores : buffers.copyOf(scores);
            rules.apply(scores, beam.history());
            double bound = kept.size() < candidates
                    ? Double.NEGATIVE_INFINITY
                    : kept.element().sum();
            for (int token = 0; token < scores.length; token++) {
                double sum = beam.sum() + scores[token];
                // Later candidates lose ties, so that only a better sum gets in; banned tokens never do.
                if (sum > bound) {
                    kept.add(new Candidate(row, token, sum, raw[token]));
                    if (kept.size() > candidates) {
                        kept.remove();
                    }
                    if (kept.size() == candidates) {
                        bound = kept.element().sum();
                    }
                }
            }
        }
        if (kept.isEmpty()) {
            throw new SamplingException("No token is left to choose as token " + (generated + 1)
                    + " of a beam search: the settings ban all " + vocabularySize
                    + "; expected bad_words_ids, no_repeat_ngram_size and min_new_tokens that leave at least one.");
        }
        return kept.stream().sorted(Candidate.BEST_FIRST).toList();
    }

    private void logSoftmax(float[] scores, Beam beam) {
        if (scores.length != vocabularySize) {
            throw new IllegalArgumentException(
                    "A row of " + scores.length + " logits; expected " + vocabularySize + ", the vocabulary.");
        }
        double normaliser = Logits.logSumExp(
                scores, Logits.checkedBest(scores, beam.history().length()));
        for (int i = 0; i < scores.length; i++) {
            scores[i] = (float) (scores[i] - normaliser);
        }
    }

    private Beam continued(Candidate candidate) {
        Beam parent = running.get(candidate.parent());
        TokenHistory history = parent.history().copy();
        history.append(candidate.token());
        List<Float> logprobs = new ArrayList<>(parent.logprobs());
        logprobs.add(candidate.logprob());
        return new Beam(history, candidate.sum(), logprobs);
    }

    private void finish(Beam beam, boolean ended) {
        int[] ids = beam.history().generatedIds();
        List<Integer> list = Arrays.stream(ids).boxed().toList();
        Hypothesis hypothesis =
                new Hypothesis(list, List.copyOf(beam.logprobs()), score(beam.sum(), ids.length), ended);
        if (finished.size() < params.beams()) {
            finished.add(hypothesis);
        } else if (hypothesis.score() > worst().score()) {
            finished.remove(worst());
            finished.add(hypothesis);
        }
    }

    private boolean suffices(double bestSum) {
        if (finished.size() < params.beams()) {
            return false;
        }
        return switch (params.earlyStopping()) {
            case AT_ONCE -> true;
            case HEURISTIC -> worst().score() >= score(bestSum, generated);
            case NEVER -> {
                // A sum only falls; a positive penalty exponent forgives most at the greatest length.
                int length = params.lengthPenalty() > 0 ? newTokenLimit : generated;
                yield worst().score() >= score(bestSum, length);
            }
        };
    }

    private double score(double sum, int length) {
        return sum / Math.pow(length, params.lengthPenalty());
    }

    private Hypothesis worst() {
        return finished.stream()
                .min(Comparator.comparingDouble(Hypothesis::score))
                .orElseThrow();
    }
}
