package dev.lingyu.engine;

import dev.lingyu.model.KvCache;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// Beam search: one cache for each running beam, which follows the beam that [BeamSearch] says it continues.
///
/// Answers are known when the search is done, so nothing is heard of them before.
final class BeamDecoding implements Decoding {
    private final GenerationRequest request;
    private final List<SequenceOutput> outputs;
    private final int newTokenLimit;
    private final BeamSearch search;
    private List<Branch> beams;
    private final ArrayDeque<Branch> spare = new ArrayDeque<>();

    /// @param held generated ids whose keys and values the cache holds behind the prompt's
    /// @param next what to compute next
    private record Branch(KvCache cache, int[] held, int[] next) {}

    BeamDecoding(LanguageModel model, GenerationRequest request, List<SequenceOutput> outputs, int newTokenLimit) {
        this.request = request;
        this.outputs = outputs;
        this.newTokenLimit = newTokenLimit;
        int[] prompt = request.promptIds();
        this.search = new BeamSearch(
                request.params(),
                prompt,
                model.endTokens().stream().mapToInt(id -> id).toArray(),
                model.decoder().config().vocabularySize(),
                newTokenLimit,
                stopTexts(request.params().stop(), model.tokenizer()));
        KvCache cache = new KvCache(model.decoder(), prompt.length + Math.min(newTokenLimit, 256));
        this.beams = List.of(new Branch(cache, new int[0], prompt));
    }

    private static Predicate<int[]> stopTexts(List<String> stop, Optional<Tokenizer> tokenizer) {
        if (stop.isEmpty() || tokenizer.isEmpty()) {
            return ids -> false;
        }
        return ids -> {
            String text = tokenizer.get().decode(ids, true);
            return stop.stream().anyMatch(text::contains);
        };
    }

    @Override
    public List<Row> rows() {
        return outputs.stream().allMatch(SequenceOutput::finished)
                ? List.of()
                : beams.stream().map(b -> new Row(b.cache(), b.next())).toList();
    }

    @Override
    public void accept(List<Outcome> outcomes) {
        int[][] computed = new int[beams.size()][];
        for (int i = 0; i < computed.length; i++) {
            computed[i] = search.generatedIds(i);
        }
        List<BeamSearch.Extension> next =
                search.advance(outcomes.stream().map(Outcome::logits).toArray(float[][]::new));
        if (search.done()) {
            publish();
        } else {
            move(computed, next);
        }
    }

    /// Gives each new beam a cache with its parent's past. The first child takes the parent's; the others get one
    /// that nobody needs any more, which usually shares most of its past already.
    private void move(int[][] computed, List<BeamSearch.Extension> next) {
        boolean[] needed = new boolean[beams.size()];
        next.forEach(extension -> needed[extension.parent()] = true);
        for (int i = 0; i < needed.length; i++) {
            if (!needed[i]) {
                spare.add(new Branch(beams.get(i).cache(), computed[i], new int[0]));
            }
        }
        boolean[] taken = new boolean[beams.size()];
        List<Branch> moved = new ArrayList<>();
        for (BeamSearch.Extension extension : next) {
            int parent = extension.parent();
            KvCache cache = beams.get(parent).cache();
            if (taken[parent]) {
                cache = follower(cache, computed[parent]);
            }
            taken[parent] = true;
            moved.add(new Branch(cache, computed[parent], new int[] {extension.token()}));
        }
        beams = moved;
    }

    private KvCache follower(KvCache parent, int[] past) {
        if (spare.isEmpty()) {
            return parent.copy();
        }
        Branch free = spare.remove();
        int mismatch = Arrays.mismatch(free.held(), past);
        int shared = mismatch < 0 ? past.length : mismatch;
        free.cache().follow(parent, request.promptIds().length + shared);
        return free.cache();
    }

    private void publish() {
        List<BeamSearch.Hypothesis> best = search.best();
        for (int i = 0; i < best.size(); i++) {
            BeamSearch.Hypothesis answer = best.get(i);
            SequenceOutput output = outputs.get(i);
            output.score(answer.score());
            for (int t = 0; t < answer.ids().size() && !output.finished(); t++) {
                int id = answer.ids().get(t);
                float logprob = request.params().logprobs().isPresent()
                        ? answer.logprobs().get(t)
                        : Float.NaN;
                output.add(new TokenChoice(id, logprob, List.of()), search.ends(id), newTokenLimit);
            }
            output.end(answer.ended() ? FinishReason.STOP : FinishReason.LENGTH);
        }
        // A vocabulary may be so small, or bans so many, that fewer answers exist than were asked for.
        outputs.forEach(SequenceOutput::cancel);
    }

    @Override
    public void cancel() {
        outputs.forEach(SequenceOutput::cancel);
    }

    @Override
    public void close() {
        beams.forEach(b -> b.cache().close());
        spare.forEach(b -> b.cache().close());
        beams = List.of();
        spare.clear();
    }
}
