package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The keys and values of one layer and sequence, 16 bits each, laid out so that a query reads each once, in straight
/// streams.
///
/// Both are matrices in [PackedMatrix]'s panels, so that scores and mixed values are products of [HalfPanels]: keys
/// are [tokens × d], `[heads][tokens/64][d/2][64][2]`; values are [d × tokens], `[heads][d/64][tokens/2][64][2]`.
public final class AttentionPanels implements AutoCloseable {
    private static final int PANEL = PackedMatrix.PANEL;
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    /// Elements from which several threads share a copy.
    private static final long SHARED = 100_000;

    private final DType dtype;
    private final int heads;
    private final int size;
    private final int valuePanels;
    private int capacity;
    private Tensor keys;
    private Tensor values;

    /// Makes room.
    ///
    /// @param dtype    bf16 or f16
    /// @param heads    key and value heads
    /// @param size     features of a head, even
    /// @param capacity tokens to make room for
    public AttentionPanels(DType dtype, int heads, int size, int capacity) {
        if (!takes(dtype, Device.CPU, size)) {
            throw new IllegalArgumentException("Expected heads of bf16 or f16 with an even number of features; found "
                    + dtype + ", " + size + ".");
        }
        this.dtype = dtype;
        this.heads = heads;
        this.size = size;
        this.valuePanels = (size + PANEL - 1) / PANEL;
        this.capacity = roundUp(capacity);
        this.keys = keyRoom(this.capacity);
        this.values = valueRoom(this.capacity);
    }

    /// Whether such heads can be kept here.
    public static boolean takes(DType dtype, Device device, int size) {
        return device.equals(Device.CPU) && (dtype == DType.BF16 || dtype == DType.F16) && size % 2 == 0;
    }

    private static int roundUp(int tokens) {
        return Math.max(PANEL, (tokens + PANEL - 1) / PANEL * PANEL);
    }

    private Tensor keyRoom(int tokens) {
        return Tensor.empty(DType.I32, Device.CPU, heads, (long) tokens * (size / 2))
                .detachFromScope();
    }

    private Tensor valueRoom(int tokens) {
        return Tensor.empty(DType.I32, Device.CPU, (long) heads * valuePanels, (long) tokens / 2 * PANEL)
                .detachFromScope();
    }

    DType dtype() {
        return dtype;
    }

    int heads() {
        return heads;
    }

    int size() {
        return size;
    }

    int valuePanels() {
        return valuePanels;
    }

    /// Tokens there is room for.
    public int capacity() {
        return capacity;
    }

    /// Bytes held.
    public long byteCount() {
        return keys.byteCount() + values.byteCount();
    }

    /// Where the panel of keys is that holds a token.
    long keyPanel(int head, int token) {
        return keys.address() + 4L * (size / 2) * ((long) head * capacity + token / PANEL * PANEL);
    }

    /// Where a panel of values has a pair of tokens.
    ///
    /// @param token the first of the pair, even
    long valuePair(int head, int panel, int token) {
        return values.address() + 4L * PANEL * (((long) head * valuePanels + panel) * capacity + token) / 2;
    }

    private long key(int head, int token) {
        return keyPanel(head, token) + 4L * (token % PANEL);
    }

    private long value(int head, int feature, int token) {
        return valuePair(head, feature / PANEL, token & ~1) + 4L * (feature % PANEL) + 2L * (token & 1);
    }

    /// Stores tokens.
    ///
    /// @param at where the first one goes; there must be room
    /// @param k  [tokens × heads × d] in this type, features without gaps
    /// @param v  as k
    /// @param row the first token's row in k and v
    /// @param n  how many tokens
    public void put(int at, Tensor k, Tensor v, int row, int n) {
        checkRoom(at, n);
        Heads keys = Heads.of(k, dtype, heads, size);
        Heads values = Heads.of(v, dtype, heads, size);
        eachHead((long) n * size, head -> {
            for (int t = 0; t < n; t++) {
                putKey(keys.at(row + t, head), head, at + t);
                putValue(values.at(row + t, head), head, at + t);
            }
        });
    }

    void checkRoom(int at, int n) {
        if (at < 0 || at + n > capacity) {
            throw new IllegalArgumentException(
                    "There is room for " + capacity + " tokens, not for " + n + " from token " + at + " on.");
        }
    }

    /// Where the heads of [tokens × heads × d] are, each without gaps.
    record Heads(long address, long tokenStep, long headStep) {
        static Heads of(Tensor x, DType dtype, int heads, int size) {
            if (x.rank() != 3
                    || x.size(1) != heads
                    || x.size(2) != size
                    || x.stride(2) != 1
                    || x.dtype() != dtype
                    || !x.device().equals(Device.CPU)) {
                throw new IllegalArgumentException(
                        "Expected " + dtype + " [tokens × " + heads + " × " + size + "] on the CPU; found " + x + ".");
            }
            return new Heads(x.address(), 2 * x.stride(0), 2 * x.stride(1));
        }

        long at(int token, int head) {
            return address + tokenStep * token + headStep * head;
        }
    }

    /// Stores one token of one head.
    ///
    /// @param k address of its key
    /// @param v address of its value
    void put(int head, int at, long k, long v) {
        putKey(k, head, at);
        putValue(v, head, at);
    }

    private void putKey(long from, int head, int token) {
        long to = key(head, token);
        long pairs = size / 2;
        for (long pair = 0; pair < pairs; pair++) {
            MEMORY.set(INT, to + 4 * PANEL * pair, MEMORY.get(INT, from + 4 * pair));
        }
    }

    /// The first of a pair clears the second, so that what nobody stored is a number.
    private void putValue(long from, int head, int token) {
        for (int panel = 0; panel < valuePanels; panel++) {
            long to = value(head, PANEL * panel, token);
            long first = from + 2L * PANEL * panel;
            long lanes = Math.min(PANEL, size - PANEL * panel);
            if (token % 2 == 0) {
                for (long lane = 0; lane < lanes; lane++) {
                    MEMORY.set(INT, to + 4 * lane, MEMORY.get(SHORT, first + 2 * lane) & 0xFFFF);
                }
                for (long lane = lanes; lane < PANEL; lane++) {
                    MEMORY.set(INT, to + 4 * lane, 0);
                }
            } else {
                for (long lane = 0; lane < lanes; lane++) {
                    MEMORY.set(SHORT, to + 4 * lane, MEMORY.get(SHORT, first + 2 * lane));
                }
            }
        }
    }

    /// The keys of the first tokens, copied [heads × tokens × d].
    public Tensor keys(int tokens) {
        Tensor plain = Tensor.empty(dtype, Device.CPU, heads, tokens, size);
        long to = plain.address();
        eachHead((long) tokens * size, head -> {
            for (int t = 0; t < tokens; t++) {
                long row = to + 2L * size * ((long) tokens * head + t);
                long from = key(head, t);
                for (long pair = 0; pair < size / 2; pair++) {
                    MEMORY.set(INT, row + 4 * pair, MEMORY.get(INT, from + 4 * PANEL * pair));
                }
            }
        });
        return plain;
    }

    /// The values of the first tokens, copied [heads × tokens × d].
    public Tensor values(int tokens) {
        Tensor plain = Tensor.empty(dtype, Device.CPU, heads, tokens, size);
        long to = plain.address();
        eachHead((long) tokens * size, head -> {
            for (int t = 0; t < tokens; t++) {
                long row = to + 2L * size * ((long) tokens * head + t);
                for (int panel = 0; panel < valuePanels; panel++) {
                    long from = value(head, PANEL * panel, t);
                    long lanes = Math.min(PANEL, size - PANEL * panel);
                    for (long lane = 0; lane < lanes; lane++) {
                        MEMORY.set(SHORT, row + 2 * (PANEL * (long) panel + lane), MEMORY.get(SHORT, from + 4 * lane));
                    }
                }
            }
        });
        return plain;
    }

    /// Copies tokens from their places in other panels to the same places here; there must be room.
    ///
    /// @param other of the same heads
    public void copy(AttentionPanels other, int from, int to) {
        for (int head = 0; head < heads; head++) {
            for (int t = from; t < to; t++) {
                long source = other.key(head, t);
                long target = key(head, t);
                for (long pair = 0; pair < size / 2; pair++) {
                    MEMORY.set(INT, target + 4 * PANEL * pair, MEMORY.get(INT, source + 4 * PANEL * pair));
                }
            }
            for (int panel = 0; panel < valuePanels; panel++) {
                int t = from;
                if (t % 2 == 1 && t < to) {
                    // The pair's first token stays as it is.
                    long source = other.valuePair(head, panel, t - 1);
                    long target = valuePair(head, panel, t - 1);
                    for (long lane = 0; lane < PANEL; lane++) {
                        MEMORY.set(SHORT, target + 4 * lane + 2, MEMORY.get(SHORT, source + 4 * lane + 2));
                    }
                    t++;
                }
                if (t < to) {
                    MemorySegment.copy(
                            MEMORY,
                            other.valuePair(head, panel, t),
                            MEMORY,
                            valuePair(head, panel, t),
                            4L * PANEL * ((to - t + 1) / 2));
                }
            }
        }
    }

    /// Makes room for more tokens and keeps what is there.
    ///
    /// @param used how many tokens are there
    public void grow(int tokens, int used) {
        if (tokens <= capacity) {
            return;
        }
        try (AttentionPanels old = new AttentionPanels(this)) {
            capacity = roundUp(tokens);
            keys = keyRoom(capacity);
            values = valueRoom(capacity);
            copy(old, 0, used);
        }
    }

    /// The same memory.
    private AttentionPanels(AttentionPanels other) {
        dtype = other.dtype;
        heads = other.heads;
        size = other.size;
        valuePanels = other.valuePanels;
        capacity = other.capacity;
        keys = other.keys;
        values = other.values;
    }

    private interface Head {
        void run(int head);
    }

    private void eachHead(long elements, Head work) {
        if (elements * heads < SHARED) {
            for (int head = 0; head < heads; head++) {
                work.run(head);
            }
            return;
        }
        Workers.shared().run((part, parts) -> {
            for (int head = part; head < heads; head += parts) {
                work.run(head);
            }
        });
    }

    @Override
    public void close() {
        keys.close();
        values.close();
    }
}
