package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// `softmax(q kᵀ · scale + bias) v` for one query of each of several sequences, as decoding has them: each key and
/// value is read once, and a sequence's result does not depend on those beside it.
public final class QueryAttention {
    private static final int PANEL = PackedMatrix.PANEL;
    private static final int ROWS = 4;
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final List<Query> queries;
    private final AttentionPanels.Heads q;
    private final AttentionPanels.Heads k;
    private final AttentionPanels.Heads v;
    private final long context;
    private final long width;
    private final float scale;
    private final float[] slopes;
    /// Query heads that share a key head, and as many rows as kernels take.
    private final int shared;

    private final int rows;
    private final int size;
    private final DType dtype;
    private final boolean half;
    private final int longest;

    /// One sequence's newest token.
    ///
    /// @param row    the token's row in q, k and v
    /// @param past   keys and values of the tokens before it, with room for one more
    /// @param length tokens, itself included
    /// @param window how many the token sees, its own included
    public record Query(int row, AttentionPanels past, int length, int window) {
        private int start() {
            return Math.max(0, length - window);
        }
    }

    private QueryAttention(
            List<Query> queries, Tensor q, Tensor k, Tensor v, Tensor context, float scale, float[] slopes) {
        AttentionPanels like = queries.getFirst().past();
        this.queries = queries;
        for (Query query : queries) {
            query.past().checkRoom(query.length() - 1, 1);
        }
        this.q = AttentionPanels.Heads.of(q, like.dtype(), Math.toIntExact(q.size(1)), like.size());
        this.k = AttentionPanels.Heads.of(k, like.dtype(), like.heads(), like.size());
        this.v = AttentionPanels.Heads.of(v, like.dtype(), like.heads(), like.size());
        this.context = context.address();
        this.width = context.size(1);
        this.scale = scale;
        this.slopes = slopes;
        this.size = like.size();
        this.dtype = like.dtype();
        this.half = dtype == DType.F16;
        this.shared = Math.toIntExact(q.size(1)) / like.heads();
        this.rows = shared == 1 ? 1 : (shared + ROWS - 1) / ROWS * ROWS;
        this.longest = queries.stream().mapToInt(Query::length).max().orElseThrow();
    }

    /// Stores each token's key and value and attends.
    ///
    /// @param queries of sequences whose heads are alike
    /// @param q       [tokens × heads × d] in the type of keys and values, features without gaps
    /// @param k       [tokens × key heads × d]
    /// @param v       as k
    /// @param context [tokens × heads · d] in the same type, contiguous; the queries' rows are written
    /// @param scale   what scores are multiplied by
    /// @param slopes  ALiBi's, one per head: `slope · (j − i)` is added for key j and query i; empty for none
    public static void attend(
            List<Query> queries, Tensor q, Tensor k, Tensor v, Tensor context, float scale, float[] slopes) {
        if (!queries.isEmpty()) {
            new QueryAttention(queries, q, k, v, context, scale, slopes).run();
        }
    }

    private void run() {
        int heads = queries.getFirst().past().heads();
        try (Scope scope = Scope.open()) {
            int threads = Workers.shared().threads();
            // Queries, scores and one product's result, in f32.
            long floats = (long) rows * (size + longest + 2) + ROWS * PANEL;
            long scratch = Scratch.address(threads * floats);
            AtomicInteger next = new AtomicInteger();
            Workers.shared().run((part, parts) -> {
                float[] buffer = new float[longest + PANEL];
                long own = scratch + 4 * floats * part;
                for (int i = next.getAndIncrement(); i < heads * queries.size(); i = next.getAndIncrement()) {
                    attend(queries.get(i / heads), i % heads, own, buffer);
                }
            });
        }
    }

    private void attend(Query query, int head, long scratch, float[] buffer) {
        // Values come in pairs of tokens.
        int first = query.start() & ~1;
        int count = (query.length() - first + 1) & ~1;
        long scores = scratch + 4L * rows * size;
        long tile = scores + 4L * rows * count;
        query.past().put(head, query.length() - 1, k.at(query.row(), head), v.at(query.row(), head));
        widen(query.row(), head * shared, scratch);
        scores(query, head, first, count, scratch, scores, tile);
        for (int r = 0; r < shared; r++) {
            int queryHead = head * shared + r;
            SoftmaxKernel.softmaxWide(
                    scores + 4L * count * r,
                    query.start() - first,
                    query.length() - first,
                    count,
                    query.length() - 1 - first,
                    scale,
                    slopes.length == 0 ? 0 : slopes[queryHead],
                    buffer);
        }
        if (half) {
            multiply(scores, (long) shared * count, HalfPanels.HALF_SCALE);
        }
        mix(query, head, first, count, scores, tile);
    }

    /// The query heads as f32 [rows × d], zeros below them.
    private void widen(int row, int firstHead, long to) {
        for (int r = 0; r < shared; r++) {
            NarrowRows.widen(
                    dtype, q.at(row, firstHead + r), size, half ? HalfPanels.HALF_SCALE : 1, to + 4L * size * r);
        }
        if (shared < rows) {
            MEMORY.asSlice(to + 4L * size * shared, 4L * size * (rows - shared)).fill((byte) 0);
        }
    }

    private void scores(Query query, int head, int first, int count, long x, long to, long tile) {
        for (int token = first / PANEL * PANEL; token < query.length(); token += PANEL) {
            long panel = query.past().keyPanel(head, token);
            int skipped = Math.max(0, first - token);
            int valid = Math.min(PANEL, first + count - token) - skipped;
            for (int r = 0; r < rows; r += ROWS) {
                int step = Math.min(ROWS, rows);
                HalfPanels.multiply(half, panel, size, x + 4L * size * r, step, tile);
                for (int i = 0; i < step; i++) {
                    MemorySegment.copy(
                            MEMORY,
                            tile + 4L * (PANEL * i + skipped),
                            MEMORY,
                            to + 4L * ((long) count * (r + i) + token + skipped - first),
                            4L * valid);
                }
            }
        }
    }

    private void mix(Query query, int head, int first, int count, long scores, long tile) {
        for (int panel = 0; panel < query.past().valuePanels(); panel++) {
            long values = query.past().valuePair(head, panel, first);
            int valid = Math.min(PANEL, size - PANEL * panel);
            for (int r = 0; r < rows; r += ROWS) {
                HalfPanels.multiply(half, values, count, scores + 4L * count * r, Math.min(ROWS, rows), tile);
                for (int i = r; i < Math.min(shared, r + ROWS); i++) {
                    long to = context + 2 * (width * query.row() + (long) size * (head * shared + i) + PANEL * panel);
                    NarrowRows.round(dtype, tile + 4L * PANEL * (i - r), valid, 0, to);
                }
            }
        }
    }

    private static void multiply(long at, long n, float factor) {
        for (long i = 0; i < n; i++) {
            MEMORY.set(FLOAT, at + 4 * i, MEMORY.get(FLOAT, at + 4 * i) * factor);
        }
    }
}
