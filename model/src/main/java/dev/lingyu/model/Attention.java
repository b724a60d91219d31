package dev.lingyu.model;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.AttentionPanels;
import dev.lingyu.tensor.kernel.QueryAttention;
import dev.lingyu.tensor.kernel.SoftmaxKernel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Causal self-attention over a [TokenBatch]: `softmax(q kᵀ / √d + bias) v` for each sequence by itself
/// (Vaswani et al. 2017, eq. 1).
///
/// One object serves all layers of one forward pass, so that angles and biases are computed once.
final class Attention implements AutoCloseable {
    private final DecoderConfig config;
    private final TokenBatch batch;
    private final List<KvCache> caches;
    private final DType dtype;
    private final Device device;
    private final RowTiles tiles;
    private final boolean inference;
    private final Optional<RotaryAngles> rotary;
    private final float[] slopes;
    private final Map<BiasKey, Optional<Tensor>> biases = new HashMap<>();

    private record BiasKey(int queries, int keys, int hidden, int window) {}

    /// Prepares a pass.
    ///
    /// @param caches    one per sequence, or none for a pass without a past
    /// @param tiles     how the layers around attention take their rows
    /// @param inference whether the pass is none of training
    Attention(
            DecoderConfig config,
            TokenBatch batch,
            List<KvCache> caches,
            DType dtype,
            Device device,
            RowTiles tiles,
            boolean inference) {
        this.config = config;
        this.batch = batch;
        this.caches = caches;
        this.dtype = dtype;
        this.device = device;
        this.tiles = tiles;
        this.inference = inference;
        this.slopes = config.position() instanceof Position.Alibi ? alibiSlopes(config.heads()) : new float[0];
        this.rotary = config.position() instanceof Position.Rope rope
                ? Optional.of(RotaryAngles.of(rope, batch, dtype, device))
                : Optional.empty();
    }

    /// How the layers around attention take their rows.
    RowTiles tiles() {
        return tiles;
    }

    /// Whether the pass is none of training, so that kernels without a gradient may compute, and in place.
    boolean inference() {
        return inference;
    }

    /// Attends within every sequence.
    ///
    /// @param q [tokens × heads × headSize]
    /// @param k [tokens × keyValueHeads × headSize]
    /// @param v [tokens × keyValueHeads × headSize]
    /// @return [tokens × heads · headSize]
    Tensor attend(int layer, Tensor q, Tensor k, Tensor v) {
        List<Tensor> whole = GradientTape.cut(List.of(turned(q), turned(k), v));
        return caches.isEmpty()
                ? withoutPast(whole.get(0), whole.get(1), whole.get(2), window(layer))
                : withPast(layer, whole.get(0), whole.get(1), whole.get(2));
    }

    private Tensor turned(Tensor x) {
        if (rotary.isEmpty()) {
            return x;
        }
        return inference ? rotary.get().turnInPlace(x) : rotary.get().turn(x);
    }

    private Tensor withoutPast(Tensor q, Tensor k, Tensor v, int window) {
        if (batch.isUniform()) {
            return uniform(q, k, v, window);
        }
        List<Tensor> contexts = new ArrayList<>(batch.sequences());
        int row = 0;
        for (int i = 0; i < batch.sequences(); i++) {
            int n = batch.lengths()[i];
            contexts.add(context(rows(q, row, n), heads(k, row, n), heads(v, row, n), n, batch.hidden()[i], window));
            row += n;
        }
        return contexts.size() == 1 ? contexts.getFirst() : Tensor.cat(contexts, 0);
    }

    /// Single tokens go to a kernel together where there is one for their caches; longer pieces one by one.
    private Tensor withPast(int layer, Tensor q, Tensor k, Tensor v) {
        int window = window(layer);
        List<QueryAttention.Query> single = new ArrayList<>();
        Map<Integer, Tensor> others = new LinkedHashMap<>();
        int row = 0;
        for (int i = 0; i < batch.sequences(); i++) {
            int n = batch.lengths()[i];
            KvCache cache = caches.get(i);
            int length = cache.length() + n;
            Optional<AttentionPanels> panels = cache.layer(layer).panels();
            if (n == 1 && panels.isPresent()) {
                cache.reserve(length);
                single.add(new QueryAttention.Query(row, panels.get(), length, window));
            } else {
                cache.append(layer, k, v, row, n);
                boolean fresh = length == n;
                Tensor keys = fresh
                        ? heads(k, row, n)
                        : cache.layer(layer).keys(length).unsqueeze(0);
                Tensor values = fresh
                        ? heads(v, row, n)
                        : cache.layer(layer).values(length).unsqueeze(0);
                others.put(row, context(rows(q, row, n), keys, values, n, batch.hidden()[i], window));
            }
            row += n;
        }
        if (single.isEmpty()) {
            return others.size() == 1 ? others.values().iterator().next() : Tensor.cat(List.copyOf(others.values()), 0);
        }
        Tensor mixed = Tensor.empty(dtype, device, row, (long) config.heads() * config.headSize());
        QueryAttention.attend(single, q, k, v, mixed, scale(), slopes);
        others.forEach(
                (first, context) -> mixed.narrow(0, first, context.size(0)).copyInPlace(context));
        return mixed;
    }

    private float scale() {
        return (float) (1 / Math.sqrt(config.headSize()));
    }

    /// One sequence's queries [1 × n × heads × d].
    private static Tensor rows(Tensor q, int row, int n) {
        return q.narrow(0, row, n).unsqueeze(0);
    }

    /// One sequence's keys or values [1 × heads × n × d].
    private static Tensor heads(Tensor x, int row, int n) {
        return x.narrow(0, row, n).transpose(0, 1).unsqueeze(0);
    }

    /// Whether scale, mask and ALiBi are the softmax's.
    private boolean byKernel() {
        return CausalAttention.takes(dtype, device);
    }

    /// All sequences at once where they have one length and no past.
    private Tensor uniform(Tensor q, Tensor k, Tensor v, int window) {
        int n = batch.lengths()[0];
        long b = batch.sequences();
        Tensor keys = k.view(b, n, config.keyValueHeads(), config.headSize()).transpose(1, 2);
        Tensor values =
                v.reshape(b, n, config.keyValueHeads(), config.headSize()).transpose(1, 2);
        return context(q.view(b, n, config.heads(), config.headSize()), keys, values, n, 0, window);
    }

    /// @param q [b × n × heads × d]
    /// @param k [b × keyValueHeads × m × d]
    /// @param v as k
    /// @return [b · n × heads · d]
    private Tensor context(Tensor q, Tensor k, Tensor v, int n, int hidden, int window) {
        long b = q.size(0);
        long m = k.size(2);
        if (byKernel()) {
            int keys = Math.toIntExact(m);
            return CausalAttention.apply(
                    q, k, v, new SoftmaxKernel.View(n, keys - n, keys - hidden, window, scale(), slopes));
        }
        long shared = config.heads() / config.keyValueHeads();
        // Query heads that share a key head are rows of one matrix, so keys need not be repeated.
        Tensor grouped = q.mul(1 / Math.sqrt(config.headSize()))
                .reshape(b, n, config.keyValueHeads(), shared, config.headSize())
                .permute(0, 2, 3, 1, 4)
                .reshape(b, config.keyValueHeads(), shared * n, config.headSize());
        Tensor scores = grouped.matmul(k.transpose(-1, -2));
        Optional<Tensor> bias = bias(n, Math.toIntExact(m), hidden, window);
        if (bias.isPresent()) {
            scores.view(b, config.keyValueHeads(), shared, n, m).addInPlace(bias.get());
        }
        Tensor mixed = scores.softmax(-1).matmul(v);
        return mixed.view(b, config.keyValueHeads(), shared, n, config.headSize())
                .permute(0, 3, 1, 2, 4)
                .reshape(b * n, (long) config.heads() * config.headSize());
    }

    private int window(int layer) {
        return config.slidingWindow()
                .filter(window -> layer >= window.fromLayer())
                .map(DecoderConfig.Window::tokens)
                .orElse(Integer.MAX_VALUE);
    }

    /// What is added to the scores of n queries that stand at the end of m keys: −∞ where a query may not
    /// look (the last `hidden` keys no query may see), and ALiBi's slopes. Shape [keyValueHeads or 1 × shared
    /// or 1 × n × m]; empty where nothing would be added.
    private Optional<Tensor> bias(int n, int m, int hidden, int window) {
        return biases.computeIfAbsent(new BiasKey(n, m, hidden, window), key -> {
            boolean alibi = slopes.length > 0;
            if (n == 1 && hidden == 0 && !alibi && m <= window) {
                return Optional.empty();
            }
            float[] perHead = alibi ? slopes : new float[1];
            float[] values = new float[perHead.length * n * m];
            int at = 0;
            for (float slope : perHead) {
                for (int i = m - n; i < m; i++) {
                    for (int j = 0; j < m; j++) {
                        boolean visible = j <= i && i - j < window && j < m - hidden;
                        values[at++] = visible ? slope * (j - i) : Float.NEGATIVE_INFINITY;
                    }
                }
            }
            long shared = config.heads() / config.keyValueHeads();
            Tensor bias = Scope.compute(() -> {
                Tensor plain =
                        alibi ? Tensor.of(values, config.keyValueHeads(), shared, n, m) : Tensor.of(values, 1, 1, n, m);
                return plain.to(dtype).to(device);
            });
            return Optional.of(bias.detachFromScope());
        });
    }

    /// ALiBi's slopes: `2^(−8 (h+1) / H)` for a power of two; for other counts every second slope of the next
    /// larger power fills up (Press et al. 2022, and BLOOM's own code).
    static float[] alibiSlopes(int heads) {
        int power = Integer.highestOneBit(heads);
        float[] slopes = new float[heads];
        for (int h = 0; h < heads; h++) {
            slopes[h] = h < power
                    ? (float) Math.pow(2, -8.0 * (h + 1) / power)
                    : (float) Math.pow(2, -4.0 * (2 * (h - power) + 1) / power);
        }
        return slopes;
    }

    /// Counts the new tokens of this pass in the caches.
    void advanceCaches() {
        for (int i = 0; i < caches.size(); i++) {
            caches.get(i).advance(batch.lengths()[i]);
        }
    }

    @Override
    public void close() {
        biases.values().forEach(bias -> bias.ifPresent(Tensor::close));
        rotary.ifPresent(RotaryAngles::close);
    }
}
