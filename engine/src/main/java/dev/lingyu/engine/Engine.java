package dev.lingyu.engine;

import dev.lingyu.model.KvCache;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.RowTiles;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Generates text for many requests at once on one thread.
///
/// Each step computes the next token of every running request together (continuous batching): a request joins
/// when there is room and leaves when it is finished, without waiting for others. Any thread may submit.
///
/// ```java
/// try (Engine engine = Engine.start(model, EngineOptions.defaults())) {
///     Generation generation = engine.submit(new GenerationRequest(ids, SamplingParams.greedy()),
///     GenerationListener.none());
///     System.out.println(generation.await().choices().getFirst().text());
/// }
/// ```
public final class Engine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    private final LanguageModel model;
    private final EngineOptions options;
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
    private final List<Job> running = new ArrayList<>();
    private final Thread thread;
    private boolean closed;

    /// A request that waits: nothing is reserved for it yet.
    private record Waiting(
            GenerationRequest request, Generation generation, List<SequenceOutput> outputs, int newTokenLimit) {}

    private record Job(
            GenerationRequest request, Generation generation, List<SequenceOutput> outputs, Decoding decoding) {}

    private Engine(LanguageModel model, EngineOptions options) {
        this.model = model;
        this.options = options;
        // A platform thread: libtorch's state belongs to an OS thread, and native calls would pin a virtual
        // one.
        this.thread = Thread.ofPlatform().name("engine").daemon().unstarted(this::loop);
    }

    /// Starts an engine over a model, which stays the caller's to close, after the engine.
    public static Engine start(LanguageModel model, EngineOptions options) {
        Engine engine = new Engine(model, options);
        engine.thread.start();
        return engine;
    }

    /// The model behind this engine.
    public LanguageModel model() {
        return model;
    }

    /// The longest prompt + answer [tokens].
    public int contextLength() {
        return options.contextLength().orElse(model.decoder().config().maxPositions());
    }

    /// Queues a request.
    ///
    /// @param listener hears of tokens on the engine's thread
    /// @throws EngineException when the prompt leaves no room for an answer, an id is outside the vocabulary,
    /// or too many
    ///                         requests wait
    public Generation submit(GenerationRequest request, GenerationListener listener) {
        int room = contextLength() - request.promptIds().length;
        if (room < 1) {
            throw new EngineException(
                    EngineException.Kind.BAD_REQUEST,
                    "This model's maximum context length is %d tokens, the prompt has %d: shorten it."
                            .formatted(contextLength(), request.promptIds().length));
        }
        int vocabulary = model.decoder().config().vocabularySize();
        for (int id : request.promptIds()) {
            if (id < 0 || id >= vocabulary) {
                throw new EngineException(
                        EngineException.Kind.BAD_REQUEST,
                        "Token id " + id + " is outside the vocabulary (0 to " + (vocabulary - 1) + ").");
            }
        }
        int limit = Math.min(room, request.params().maxNewTokens());
        List<SequenceOutput> outputs = new ArrayList<>();
        for (int i = 0; i < request.params().n(); i++) {
            outputs.add(new SequenceOutput(
                    i,
                    model.tokenizer().map(t -> t.streamDecoder(true)),
                    request.params().stop(),
                    listener));
        }
        Generation generation = new Generation();
        synchronized (this) {
            if (closed) {
                throw new EngineException(EngineException.Kind.FAILED, "The engine is closed.");
            }
            if (waiting.size() >= options.queueLimit()) {
                throw new EngineException(
                        EngineException.Kind.BUSY,
                        waiting.size() + " requests are waiting already: try again in a moment.");
            }
            waiting.add(new Waiting(request, generation, outputs, limit));
            notifyAll();
        }
        return generation;
    }

    /// Queues a request and waits for its end.
    public GenerationResult generate(GenerationRequest request) {
        return submit(request, GenerationListener.none()).await();
    }

    /// Requests that wait for room.
    public synchronized int waitingRequests() {
        return waiting.size();
    }

    private void loop() {
        try (Autograd.Mode off = Autograd.off()) {
            while (admit()) {
                try {
                    step();
                } catch (RuntimeException e) {
                    LOG.warn("A generation step failed", e);
                    failAll(failure(e));
                }
            }
        }
        failAll(new EngineException(EngineException.Kind.FAILED, "The engine was closed."));
    }

    /// Lets waiting requests in; sleeps while there is nothing to do.
    ///
    /// @return false when the engine is closed
    private synchronized boolean admit() {
        while (!closed && waiting.isEmpty() && running.isEmpty()) {
            try {
                wait();
            } catch (InterruptedException e) {
                closed = true;
            }
        }
        int rows = running.stream()
                .mapToInt(j -> Decoding.width(j.request().params()))
                .sum();
        while (!waiting.isEmpty()) {
            int more = Decoding.width(waiting.peek().request().params());
            if (!running.isEmpty() && rows + more > options.maxRows()) {
                break;
            }
            rows += more;
            start(waiting.remove());
        }
        return !closed;
    }

    private void start(Waiting next) {
        try {
            running.add(new Job(next.request(), next.generation(), next.outputs(), decoding(next)));
        } catch (RuntimeException e) {
            next.generation().fail(failure(e));
        }
    }

    private Decoding decoding(Waiting next) {
        GenerationRequest request = next.request();
        return switch (request.params().decoder()) {
            case GREEDY, SAMPLE -> new SampledDecoding(model, request, next.outputs(), next.newTokenLimit());
            case BEAM -> new BeamDecoding(model, request, next.outputs(), next.newTokenLimit());
            case CONTRASTIVE ->
                new ContrastiveDecoding(model, request, next.outputs().getFirst(), next.newTokenLimit());
        };
    }

    private static EngineException failure(RuntimeException cause) {
        return new EngineException(EngineException.Kind.FAILED, "Generation failed: " + cause.getMessage(), cause);
    }

    private void step() {
        List<Job> jobs = new ArrayList<>();
        List<Decoding.Row> rows = new ArrayList<>();
        List<Integer> rowCounts = new ArrayList<>();
        for (Job job : running) {
            if (job.generation().isCancelled()) {
                job.decoding().cancel();
            }
            List<Decoding.Row> own = job.decoding().rows();
            if (!own.isEmpty()) {
                jobs.add(job);
                rows.addAll(own);
                rowCounts.add(own.size());
            }
        }
        if (!rows.isEmpty()) {
            // Features are handed out as they are, so they live until everybody has looked at them.
            try (Scope scope = Scope.open()) {
                List<Decoding.Outcome> outcomes = compute(rows);
                int at = 0;
                for (int i = 0; i < jobs.size(); i++) {
                    List<Decoding.Outcome> own = outcomes.subList(at, at + rowCounts.get(i));
                    at += rowCounts.get(i);
                    accept(jobs.get(i), own);
                }
            }
        }
        running.removeIf(this::retire);
    }

    /// A request whose sampling fails takes nobody else with it.
    private static void accept(Job job, List<Decoding.Outcome> outcomes) {
        try {
            job.decoding().accept(outcomes);
        } catch (RuntimeException e) {
            job.decoding().cancel();
            job.generation().fail(failure(e));
        }
    }

    private boolean retire(Job job) {
        if (!job.outputs().stream().allMatch(SequenceOutput::finished)) {
            return false;
        }
        job.decoding().close();
        job.generation()
                .complete(new GenerationResult(
                        job.outputs().stream().map(SequenceOutput::result).toList(),
                        job.request().promptIds().length));
        return true;
    }

    /// The logits behind the last token of each row, and features where they are asked for.
    private List<Decoding.Outcome> compute(List<Decoding.Row> rows) {
        List<Tail> tails = rows.stream().map(this::prefillAllButTheLastChunk).toList();
        List<KvCache> caches = rows.stream().map(Decoding.Row::cache).toList();
        TokenBatch batch = new TokenBatch(
                tails.stream().flatMapToInt(t -> Arrays.stream(t.tokens())).toArray(),
                tails.stream().mapToInt(t -> t.tokens().length).toArray(),
                caches.stream().mapToInt(KvCache::length).toArray());
        Tensor features = model.decoder().features(batch, caches, tiles());
        int[] last = batch.lastRows();
        Tensor rowsOfInterest = features.indexSelect(
                0, Tensor.of(last, last.length).to(model.decoder().device()));
        // Widened at once, on all cores, instead of row by row.
        Tensor logits = model.decoder().head(rowsOfInterest, tiles()).to(DType.F32);
        List<Decoding.Outcome> outcomes = new ArrayList<>();
        int begin = 0;
        for (int i = 0; i < last.length; i++) {
            Optional<Tensor> own = Optional.empty();
            if (rows.get(i).features()) {
                List<Tensor> pieces = new ArrayList<>(tails.get(i).earlierFeatures());
                pieces.add(features.narrow(0, begin, last[i] + 1 - begin));
                own = Optional.of(pieces.size() == 1 ? pieces.getFirst() : Tensor.cat(pieces, 0));
            }
            begin = last[i] + 1;
            outcomes.add(new Decoding.Outcome(logits.select(0, i).toFloats(), own));
        }
        return outcomes;
    }

    /// In f32 always fixed: whoever takes that type wants the same tokens again more than speed, and without
    /// tiles one seeded answer of 16 was measured to part from what it is alone.
    private RowTiles tiles() {
        boolean fixed = options.batchInvariant() || model.decoder().dtype() == DType.F32;
        return fixed ? RowTiles.FIXED : RowTiles.NONE;
    }

    /// What is left of a row after its first chunks.
    ///
    /// @param earlierFeatures of those chunks, where the row asks for features
    private record Tail(int[] tokens, List<Tensor> earlierFeatures) {}

    private Tail prefillAllButTheLastChunk(Decoding.Row row) {
        int[] tokens = row.tokens();
        List<Tensor> features = new ArrayList<>();
        int at = 0;
        for (; tokens.length - at > options.prefillChunk(); at += options.prefillChunk()) {
            int[] chunk = Arrays.copyOfRange(tokens, at, at + options.prefillChunk());
            TokenBatch batch = new TokenBatch(
                    chunk, new int[] {chunk.length}, new int[] {row.cache().length()});
            Tensor computed = model.decoder().features(batch, List.of(row.cache()), tiles());
            if (row.features()) {
                features.add(computed);
            } else {
                computed.close();
            }
        }
        return new Tail(at == 0 ? tokens : Arrays.copyOfRange(tokens, at, tokens.length), features);
    }

    private void failAll(EngineException error) {
        for (Job job : running) {
            job.decoding().cancel();
            job.decoding().close();
            job.generation().fail(error);
        }
        running.clear();
        synchronized (this) {
            if (closed) {
                waiting.forEach(w -> w.generation().fail(error));
                waiting.clear();
            }
        }
    }

    /// Ends the engine; requests that are not finished fail.
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
