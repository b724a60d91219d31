package dev.lingyu.engine;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.KvCache;
import dev.lingyu.model.LanguageModel;
import java.util.ArrayList;
import java.util.List;

/// Greedy decoding and sampling: n sequences that share one prompt and then go their own ways.
final class SampledDecoding implements Decoding {
    private final LanguageModel model;
    private final GenerationRequest request;
    private final List<SequenceOutput> outputs;
    private final int newTokenLimit;
    private final List<Branch> branches = new ArrayList<>();
    private final SamplingBuffers buffers = new SamplingBuffers();

    private static final class Branch {
        private final KvCache cache;
        private final Sampler sampler;
        private final SequenceOutput output;
        private int[] next;

        private Branch(KvCache cache, Sampler sampler, SequenceOutput output, int[] next) {
            this.cache = cache;
            this.sampler = sampler;
            this.output = output;
            this.next = next;
        }
    }

    SampledDecoding(LanguageModel model, GenerationRequest request, List<SequenceOutput> outputs, int newTokenLimit) {
        this.model = model;
        this.request = request;
        this.outputs = outputs;
        this.newTokenLimit = newTokenLimit;
        Decoder decoder = model.decoder();
        int[] prompt = request.promptIds();
        branches.add(new Branch(
                new KvCache(decoder, prompt.length + Math.min(newTokenLimit, 256)),
                sampler(0),
                outputs.get(0),
                prompt));
    }

    private Sampler sampler(int index) {
        return new Sampler(
                request.params(),
                request.promptIds(),
                model.endTokens().stream().mapToInt(id -> id).toArray(),
                model.decoder().config().vocabularySize(),
                index,
                buffers);
    }

    @Override
    public List<Row> rows() {
        return branches.stream()
                .filter(b -> !b.output.finished())
                .map(b -> new Row(b.cache, b.next))
                .toList();
    }

    @Override
    public void accept(List<Outcome> outcomes) {
        List<Branch> running =
                branches.stream().filter(b -> !b.output.finished()).toList();
        if (branches.size() < outputs.size()) {
            // The prompt went through once: its cache is copied, its logits are sampled n times.
            float[] afterPrompt = outcomes.getFirst().logits();
            for (int i = 1; i < outputs.size(); i++) {
                Branch branch = new Branch(running.getFirst().cache.copy(), sampler(i), outputs.get(i), new int[0]);
                branches.add(branch);
                choose(branch, afterPrompt);
            }
        }
        for (int i = 0; i < running.size(); i++) {
            choose(running.get(i), outcomes.get(i).logits());
        }
    }

    private void choose(Branch branch, float[] logits) {
        TokenChoice choice = branch.sampler.next(logits);
        branch.next = new int[] {choice.id()};
        branch.output.add(choice, branch.sampler.ends(choice.id()), newTokenLimit);
    }

    @Override
    public void cancel() {
        outputs.forEach(SequenceOutput::cancel);
    }

    @Override
    public void close() {
        branches.forEach(b -> b.cache.close());
        branches.clear();
    }
}
