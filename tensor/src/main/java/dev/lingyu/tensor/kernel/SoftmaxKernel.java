package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.MAX;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/// The softmax of attention scores with scale, ALiBi and the causal mask inside, in place, and its gradient.
///
/// What a query may not see is neither read nor exponentiated: for a whole sequence that is half of the scores, and
/// no bias has to exist as a tensor. Rows are computed in f32 whatever they are stored in.
public final class SoftmaxKernel {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final int LANES = F.length();
    /// Elements of one step: a 32-bit lane holds two neighbours in bf16, the even one in its low half.
    private static final int RUN = 2 * LANES;
    /// Rows that a worker takes at once.
    private static final int SHARE = 16;
    /// Below every score that can occur, and far enough from −∞ to subtract from.
    private static final float UNSEEN = -1e30f;

    private static final float[] EVEN = new float[LANES];

    static {
        for (int lane = 0; lane < LANES; lane++) {
            EVEN[lane] = 2 * lane;
        }
    }

    private SoftmaxKernel() {}

    /// Which scores count, and how.
    ///
    /// Row r of matrix h holds the scores of query `first + r % queries`, of head
    /// `(h % groups) · (rows / queries) + r / queries`; column j is key j.
    ///
    /// @param queries rows of one head
    /// @param first   the position of the first query among the keys
    /// @param keys    keys that may be seen at all: those from here on are padding
    /// @param window  how many keys a query sees, its own included
    /// @param scale   what scores are multiplied by
    /// @param slopes  ALiBi's, one per head: `slope · (j − i)` is added; empty for none
    public record View(int queries, int first, int keys, int window, float scale, float[] slopes) {}

    /// Whether these kernels take such scores.
    public static boolean takes(DType dtype, Device device) {
        return device.equals(Device.CPU) && (dtype == DType.BF16 || dtype == DType.F32);
    }

    /// Replaces scores by probabilities, 0 where a query does not see.
    ///
    /// @param scores [matrices × rows × columns], bf16 or f32, contiguous
    public static void softmax(Tensor scores, View view) {
        check(scores);
        boolean wide = scores.dtype() == DType.F32;
        long base = scores.address();
        long rows = scores.size(1);
        int columns = Math.toIntExact(scores.size(2));
        int step = wide ? 4 : 2;
        share(scores.size(0) * rows, columns, (row, buffer) -> {
            int i = view.first() + Math.toIntExact(row % rows % view.queries());
            int end = Math.min(i + 1, view.keys());
            int start = Math.max(0, i - view.window() + 1);
            long a = base + step * columns * row;
            float slope = slope(view, row, rows);
            if (start >= end) {
                throw new IllegalArgumentException("Query " + i + " sees no key.");
            }
            if (wide) {
                softmaxWide(a, start, end, columns, i, view.scale(), slope, buffer);
            } else {
                softmaxHalf(a, start, end, columns, i, view.scale(), slope, buffer);
            }
        });
    }

    /// Replaces the gradients of the probabilities p by those of the raw scores: `p (g − Σ p g) · scale`.
    ///
    /// @param probabilities what [#softmax] left
    /// @param gradients     of the same shape and type
    public static void gradient(Tensor probabilities, Tensor gradients, View view) {
        check(probabilities);
        check(gradients);
        if (probabilities.dtype() != gradients.dtype() || probabilities.count() != gradients.count()) {
            throw new IllegalArgumentException("The gradients are " + gradients + ", not like " + probabilities + ".");
        }
        boolean wide = probabilities.dtype() == DType.F32;
        long p = probabilities.address();
        long g = gradients.address();
        long rows = probabilities.size(1);
        int columns = Math.toIntExact(probabilities.size(2));
        int step = wide ? 4 : 2;
        share(probabilities.size(0) * rows, columns, (row, buffer) -> {
            int i = view.first() + Math.toIntExact(row % rows % view.queries());
            int end = Math.min(i + 1, view.keys());
            int start = Math.max(0, i - view.window() + 1);
            long at = step * columns * row;
            if (wide) {
                gradientWide(p + at, g + at, start, end, columns, view.scale());
            } else {
                gradientHalf(p + at, g + at, start, end, columns, view.scale());
            }
        });
    }

    private static float slope(View view, long row, long rows) {
        if (view.slopes().length == 0) {
            return 0;
        }
        long heads = rows / view.queries();
        long groups = view.slopes().length / heads;
        return view.slopes()[Math.toIntExact(row / rows % groups * heads + row % rows / view.queries())];
    }

    @FunctionalInterface
    private interface Row {
        void run(long row, float[] buffer);
    }

    private static void share(long rows, int columns, Row row) {
        AtomicLong next = new AtomicLong();
        Workers.shared().run((part, parts) -> {
            float[] buffer = new float[(columns + RUN - 1) / RUN * RUN];
            for (long from = next.getAndAdd(SHARE); from < rows; from = next.getAndAdd(SHARE)) {
                long end = Math.min(rows, from + SHARE);
                for (long r = from; r < end; r++) {
                    row.run(r, buffer);
                }
            }
        });
    }

    // ---- bf16: a step of the buffer holds the even elements of a run, then the odd ones

    private static void softmaxHalf(
            long a, int start, int end, int columns, int i, float scale, float slope, float[] buffer) {
        int first = start / RUN * RUN;
        int last = (end + RUN - 1) / RUN * RUN;
        int full = Math.min(last, columns / RUN * RUN);
        float top = loadHalf(a, first, full, start, end, i, scale, slope, buffer);
        for (int k = 0; full < last && k < RUN; k++) {
            int j = full + k;
            float score = j < end && j >= start ? half(a, j) * scale + slope * (j - i) : UNSEEN;
            buffer[place(full, k)] = score;
            top = Math.max(top, score);
        }
        float factor = 1 / exponentials(buffer, first, last, top);
        clear(a, 2L * first);
        storeHalf(a, first, full, factor, buffer);
        for (int k = 0; full < last && full + k < columns; k++) {
            half(a, full + k, buffer[place(full, k)] * factor);
        }
        if (last < columns) {
            clear(a + 2L * last, 2L * (columns - last));
        }
    }

    private static int place(int run, int k) {
        return run + (k & 1) * LANES + (k >> 1);
    }

    private static float loadHalf(
            long a, int first, int full, int start, int end, int i, float scale, float slope, float[] buffer) {
        FloatVector even = FloatVector.fromArray(F, EVEN, 0);
        FloatVector offsets = even.mul(slope);
        FloatVector factor = FloatVector.broadcast(F, scale);
        FloatVector top = FloatVector.broadcast(F, UNSEEN);
        long n = full;
        for (long j = first; j < n; j += RUN) {
            IntVector pair = IntVector.fromMemorySegment(I, MEMORY, a + 2 * j, LITTLE_ENDIAN);
            FloatVector offset = offsets.add(slope * (j - i));
            FloatVector low = pair.lanewise(LSHL, 16).reinterpretAsFloats().fma(factor, offset);
            FloatVector high = pair.and(0xFFFF0000).reinterpretAsFloats().fma(factor, offset.add(slope));
            if (j < start || j + RUN > end) {
                low = low.blend(UNSEEN, even.lt(start - j).or(even.lt(end - j).not()));
                high = high.blend(
                        UNSEEN, even.lt(start - j - 1).or(even.lt(end - j - 1).not()));
            }
            low.intoArray(buffer, (int) j);
            high.intoArray(buffer, (int) j + LANES);
            top = top.max(low).max(high);
        }
        return top.reduceLanes(MAX);
    }

    private static void storeHalf(long a, int first, int full, float factor, float[] buffer) {
        long n = full;
        for (long j = first; j < n; j += RUN) {
            IntVector low =
                    FloatVector.fromArray(F, buffer, (int) j).mul(factor).reinterpretAsInts();
            IntVector high = FloatVector.fromArray(F, buffer, (int) j + LANES)
                    .mul(factor)
                    .reinterpretAsInts();
            // To the nearest bf16, ties to even.
            low = low.add(low.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            high = high.add(high.lanewise(LSHR, 16).and(1).add(0x7FFF)).and(0xFFFF0000);
            low.or(high).intoMemorySegment(MEMORY, a + 2 * j, LITTLE_ENDIAN);
        }
    }

    private static void gradientHalf(long p, long g, int start, int end, int columns, float scale) {
        int first = start / RUN * RUN;
        int last = (end + RUN - 1) / RUN * RUN;
        int full = Math.min(last, columns / RUN * RUN);
        int tail = Math.min(last, columns);
        float dot = dotHalf(p, g, first, full);
        for (int j = full; j < tail; j++) {
            dot += half(p, j) * half(g, j);
        }
        clear(g, 2L * first);
        scoresHalf(p, g, first, full, dot, scale);
        for (int j = full; j < tail; j++) {
            half(g, j, half(p, j) * (half(g, j) - dot) * scale);
        }
        if (last < columns) {
            clear(g + 2L * last, 2L * (columns - last));
        }
    }

    private static float dotHalf(long p, long g, int first, int full) {
        FloatVector even = FloatVector.zero(F);
        FloatVector odd = even;
        long n = full;
        for (long j = first; j < n; j += RUN) {
            IntVector a = IntVector.fromMemorySegment(I, MEMORY, p + 2 * j, LITTLE_ENDIAN);
            IntVector b = IntVector.fromMemorySegment(I, MEMORY, g + 2 * j, LITTLE_ENDIAN);
            even = a.lanewise(LSHL, 16)
                    .reinterpretAsFloats()
                    .fma(b.lanewise(LSHL, 16).reinterpretAsFloats(), even);
            odd = a.and(0xFFFF0000).reinterpretAsFloats().fma(b.and(0xFFFF0000).reinterpretAsFloats(), odd);
        }
        return sum(even.add(odd));
    }

    private static void scoresHalf(long p, long g, int first, int full, float dot, float scale) {
        long n = full;
        for (long j = first; j < n; j += RUN) {
            IntVector a = IntVector.fromMemorySegment(I, MEMORY, p + 2 * j, LITTLE_ENDIAN);
            IntVector b = IntVector.fromMemorySegment(I, MEMORY, g + 2 * j, LITTLE_ENDIAN);
            IntVector low = b.lanewise(LSHL, 16)
                    .reinterpretAsFloats()
                    .sub(dot)
                    .mul(a.lanewise(LSHL, 16).reinterpretAsFloats())
                    .mul(scale)
                    .reinterpretAsInts();
            IntVector high = b.and(0xFFFF0000)
                    .reinterpretAsFloats()
                    .sub(dot)
                    .mul(a.and(0xFFFF0000).reinterpretAsFloats())
                    .mul(scale)
                    .reinterpretAsInts();
            low = low.add(low.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            high = high.add(high.lanewise(LSHR, 16).and(1).add(0x7FFF)).and(0xFFFF0000);
            low.or(high).intoMemorySegment(MEMORY, g + 2 * j, LITTLE_ENDIAN);
        }
    }

    private static float half(long a, long j) {
        return Float.intBitsToFloat(MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, a + 2 * j) << 16);
    }

    private static void half(long a, long j, float value) {
        int bits = Float.floatToRawIntBits(value);
        MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, a + 2 * j, (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16));
    }

    // ---- f32

    /// One row of scores.
    ///
    /// @param a      address of `columns` f32
    /// @param start  the first key that is seen
    /// @param end    behind the last one
    /// @param i      the query's place among the keys
    /// @param buffer room for `columns` and a vector more
    static void softmaxWide(long a, int start, int end, int columns, int i, float scale, float slope, float[] buffer) {
        int last = (end + LANES - 1) / LANES * LANES;
        int first = start / LANES * LANES;
        Arrays.fill(buffer, first, start, UNSEEN);
        Arrays.fill(buffer, end, last, UNSEEN);
        float top = loadWide(a, start, end, i, scale, slope, buffer);
        float factor = 1 / exponentials(buffer, first, last, top);
        clear(a, 4L * start);
        storeWide(a, start, end, factor, buffer);
        clear(a + 4L * end, 4L * (columns - end));
    }

    private static float loadWide(long a, int start, int end, int i, float scale, float slope, float[] buffer) {
        FloatVector lanes = FloatVector.fromArray(F, EVEN, 0).mul(0.5f);
        FloatVector most = FloatVector.broadcast(F, UNSEEN);
        long full = end - (end - start) % LANES;
        for (long j = start; j < full; j += LANES) {
            FloatVector score = FloatVector.fromMemorySegment(F, MEMORY, a + 4 * j, LITTLE_ENDIAN)
                    .mul(scale)
                    .add(lanes.add((float) (j - i)).mul(slope));
            score.intoArray(buffer, (int) j);
            most = most.max(score);
        }
        float top = most.reduceLanes(MAX);
        for (int j = (int) full; j < end; j++) {
            float score = MEMORY.get(ValueLayout.JAVA_FLOAT, a + 4L * j) * scale + slope * (j - i);
            buffer[j] = score;
            top = Math.max(top, score);
        }
        return top;
    }

    private static void storeWide(long a, int start, int end, float factor, float[] buffer) {
        long full = end - (end - start) % LANES;
        for (long j = start; j < full; j += LANES) {
            FloatVector.fromArray(F, buffer, (int) j).mul(factor).intoMemorySegment(MEMORY, a + 4 * j, LITTLE_ENDIAN);
        }
        for (int j = (int) full; j < end; j++) {
            MEMORY.set(ValueLayout.JAVA_FLOAT, a + 4L * j, buffer[j] * factor);
        }
    }

    private static void gradientWide(long p, long g, int start, int end, int columns, float scale) {
        double dot = 0;
        for (int j = start; j < end; j++) {
            dot += MEMORY.get(ValueLayout.JAVA_FLOAT, p + 4L * j) * MEMORY.get(ValueLayout.JAVA_FLOAT, g + 4L * j);
        }
        float mean = (float) dot;
        clear(g, 4L * start);
        for (int j = start; j < end; j++) {
            float score = MEMORY.get(ValueLayout.JAVA_FLOAT, p + 4L * j)
                    * (MEMORY.get(ValueLayout.JAVA_FLOAT, g + 4L * j) - mean);
            MEMORY.set(ValueLayout.JAVA_FLOAT, g + 4L * j, score * scale);
        }
        clear(g + 4L * end, 4L * (columns - end));
    }

    // ---- both

    /// Replaces scores by `e^(score − top)` to a relative 3e-7, and sums them.
    private static float exponentials(float[] buffer, int first, int last, float top) {
        FloatVector sum = FloatVector.zero(F);
        long n = last;
        for (long j = first; j < n; j += LANES) {
            FloatVector score = FloatVector.fromArray(F, buffer, (int) j);
            FloatVector scaled = score.sub(top).max(-87f).mul(1.44269504f);
            FloatVector shifted = scaled.add(12582912f);
            FloatVector rest = scaled.sub(shifted.sub(12582912f));
            FloatVector e = FloatVector.broadcast(F, 0.00015403530f);
            e = e.fma(rest, FloatVector.broadcast(F, 0.0013333558f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.0096181291f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.0555041087f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.240226507f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.693147181f));
            e = e.fma(rest, FloatVector.broadcast(F, 1f));
            e = e.reinterpretAsInts()
                    .add(shifted.reinterpretAsInts().lanewise(LSHL, 23))
                    .reinterpretAsFloats()
                    .blend(0f, score.lt(0.5f * UNSEEN));
            e.intoArray(buffer, (int) j);
            sum = sum.add(e);
        }
        return sum(sum);
    }

    /// Lane by lane: the order in which reduceLanes adds changes when a method is compiled, and so would the bits.
    private static float sum(FloatVector lanes) {
        float sum = 0;
        for (float lane : lanes.toArray()) {
            sum += lane;
        }
        return sum;
    }

    private static void clear(long a, long bytes) {
        MemorySegment.ofAddress(a).reinterpret(bytes).fill((byte) 0);
    }

    private static void check(Tensor tensor) {
        if (tensor.rank() != 3 || !tensor.isContiguous() || !takes(tensor.dtype(), tensor.device())) {
            throw new IllegalArgumentException(
                    "Expected contiguous scores [matrices × rows × columns] in bf16 or f32 on the CPU; found " + tensor
                            + ".");
        }
    }
}
