package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.AttentionPanels;
import java.util.ArrayList;
import java.util.List;

/// The keys and values of one sequence, for all layers, so that each new token attends to the earlier ones
/// without computing them again. It grows as needed.
public final class KvCache implements AutoCloseable {
    private final List<LayerCache> layers = new ArrayList<>();
    private final DecoderConfig config;
    private final DType dtype;
    private final Device device;
    private int length;
    private int capacity;

    /// An empty cache.
    ///
    /// @param capacity tokens to reserve room for
    public KvCache(Decoder decoder, int capacity) {
        this(decoder.config(), decoder.dtype(), decoder.device(), capacity);
    }

    private KvCache(DecoderConfig config, DType dtype, Device device, int capacity) {
        this.config = config;
        this.dtype = dtype;
        this.device = device;
        this.capacity = Math.max(16, capacity);
        for (int layer = 0; layer < config.layers(); layer++) {
            layers.add(room());
        }
    }

    private LayerCache room() {
        int heads = config.keyValueHeads();
        int size = config.headSize();
        if (AttentionPanels.takes(dtype, device, size)) {
            return new LayerCache.Panels(new AttentionPanels(dtype, heads, size, capacity));
        }
        try (Scope scope = Scope.open()) {
            return new LayerCache.Plain(
                    Tensor.empty(dtype, device, heads, capacity, size),
                    Tensor.empty(dtype, device, heads, capacity, size));
        }
    }

    /// A second cache with the same content: two continuations of one beginning.
    public KvCache copy() {
        KvCache copy = new KvCache(config, dtype, device, capacity);
        copy.follow(this, 0);
        return copy;
    }

    /// Takes over what another cache holds, so that both have the same past.
    ///
    /// @param other  of the same decoder
    /// @param common how many first tokens both share already; they are left alone
    public void follow(KvCache other, int common) {
        truncate(common);
        if (other.length > length) {
            reserve(other.length);
            try (Autograd.Mode off = Autograd.off()) {
                for (int layer = 0; layer < layers.size(); layer++) {
                    layers.get(layer).copy(other.layers.get(layer), length, other.length);
                }
            }
        }
        length = other.length;
    }

    /// How many tokens are stored.
    public int length() {
        return length;
    }

    /// Bytes held.
    public long byteCount() {
        return layers.stream().mapToLong(LayerCache::byteCount).sum();
    }

    /// Stores the newest tokens of a layer behind the earlier ones; they count from [#advance] on.
    ///
    /// @param k   [tokens × keyValueHeads × headSize]
    /// @param v   as k
    /// @param row the first token's row in both
    /// @param n   how many tokens
    void append(int layer, Tensor k, Tensor v, int row, int n) {
        reserve(length + n);
        try (Autograd.Mode off = Autograd.off()) {
            layers.get(layer).put(length, k, v, row, n);
        }
    }

    /// What a layer holds.
    LayerCache layer(int layer) {
        return layers.get(layer);
    }

    /// Makes room for so many tokens.
    public void reserve(int tokens) {
        if (tokens <= capacity) {
            return;
        }
        // A pass under way may have stored tokens behind the ones that count.
        int used = capacity;
        capacity = Math.max(tokens, capacity * 2);
        try (Autograd.Mode off = Autograd.off()) {
            layers.forEach(layer -> layer.grow(capacity, used));
        }
    }

    /// Counts tokens whose keys and values are stored in every layer.
    void advance(int tokens) {
        length += tokens;
    }

    /// Forgets everything behind the first `tokens` tokens.
    public void truncate(int tokens) {
        length = Math.min(length, tokens);
    }

    @Override
    public void close() {
        layers.forEach(LayerCache::close);
    }
}
