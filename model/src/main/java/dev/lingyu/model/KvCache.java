package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;

/// The keys and values of one sequence, for all layers, so that each new token attends to the earlier ones
/// without computing them again. It grows as needed.
public final class KvCache implements AutoCloseable {
    private final Tensor[] keys;
    private final Tensor[] values;
    private final DecoderConfig config;
    private final DType dtype;
    private final Device device;
    private int length;
    private int capacity;

    /// An empty cache.
    ///
    /// @param capacity tokens to reserve room for
    public KvCache(Decoder decoder, int capacity) {
        this.config = decoder.config();
        this.dtype = decoder.dtype();
        this.device = decoder.device();
        this.capacity = Math.max(16, capacity);
        this.keys = new Tensor[config.layers()];
        this.values = new Tensor[config.layers()];
        for (int layer = 0; layer < keys.length; layer++) {
            keys[layer] = room(this.capacity);
            values[layer] = room(this.capacity);
        }
    }

    private KvCache(KvCache other) {
        config = other.config;
        dtype = other.dtype;
        device = other.device;
        capacity = other.capacity;
        length = other.length;
        keys = new Tensor[other.keys.length];
        values = new Tensor[other.values.length];
        for (int layer = 0; layer < keys.length; layer++) {
            keys[layer] = other.keys[layer].copy().detachFromScope();
            values[layer] = other.values[layer].copy().detachFromScope();
        }
    }

    /// A second cache with the same content: two continuations of one beginning.
    public KvCache copy() {
        return new KvCache(this);
    }

    /// Takes over what another cache holds, so that both have the same past.
    ///
    /// @param other  of the same decoder
    /// @param common how many first tokens both share already; they are left alone
    public void follow(KvCache other, int common) {
        truncate(common);
        int fresh = other.length - length;
        if (fresh > 0) {
            reserve(other.length);
            try (Scope scope = Scope.open();
                    Autograd.Mode off = Autograd.off()) {
                for (int layer = 0; layer < keys.length; layer++) {
                    keys[layer].narrow(1, length, fresh).copyInPlace(other.keys[layer].narrow(1, length, fresh));
                    values[layer].narrow(1, length, fresh).copyInPlace(other.values[layer].narrow(1, length, fresh));
                }
            }
        }
        length = other.length;
    }

    private Tensor room(int tokens) {
        return Tensor.empty(dtype, device, config.keyValueHeads(), tokens, config.headSize())
                .detachFromScope();
    }

    /// How many tokens are stored.
    public int length() {
        return length;
    }

    /// Bytes held.
    public long byteCount() {
        return 2L * keys.length * keys[0].byteCount();
    }

    /// Stores the newest keys of a layer behind the earlier ones.
    ///
    /// @param k [keyValueHeads × n × headSize]
    /// @return a view of all of them [keyValueHeads × (length + n) × headSize]
    Tensor appendKeys(int layer, Tensor k) {
        return append(keys, layer, k);
    }

    /// The same for values.
    Tensor appendValues(int layer, Tensor v) {
        return append(values, layer, v);
    }

    private Tensor append(Tensor[] stores, int layer, Tensor fresh) {
        long n = fresh.size(1);
        reserve(Math.toIntExact(length + n));
        try (Autograd.Mode off = Autograd.off()) {
            try (Tensor target = stores[layer].narrow(1, length, n).detachFromScope()) {
                target.copyInPlace(fresh);
            }
            return stores[layer].narrow(1, 0, length + n);
        }
    }

    /// Makes room for so many tokens.
    public void reserve(int tokens) {
        if (tokens <= capacity) {
            return;
        }
        int wanted = Math.max(tokens, capacity * 2);
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            for (Tensor[] stores : new Tensor[][] {keys, values}) {
                for (int layer = 0; layer < stores.length; layer++) {
                    Tensor larger = room(wanted);
                    larger.narrow(1, 0, capacity).copyInPlace(stores[layer]);
                    stores[layer].close();
                    stores[layer] = larger;
                }
            }
        }
        capacity = wanted;
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
        for (int layer = 0; layer < keys.length; layer++) {
            keys[layer].close();
            values[layer].close();
        }
    }
}
