package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.MAX;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/// Cross-entropy of bf16 logits, and its gradient in their place.
///
/// A row of a 250,880-word vocabulary takes 490 KiB, so three passes over it (maximum, sum of exponentials,
/// gradient) read memory once and write it once, where separate operations on f32 copies move twenty times as
/// much.
public final class CrossEntropyKernel {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    /// Elements of one vector load: a 32-bit lane holds two neighbours, the even one in its low half.
    private static final int RUN = 2 * F.length();

    private CrossEntropyKernel() {}

    /// What the rows gave.
    ///
    /// @param loss    `Σ −log softmax(logits)[label]`, not scaled
    /// @param correct rows whose first largest logit is the label's
    public record Outcome(double loss, long correct) {}

    /// Replaces each row of logits by `(softmax(logits) − onehot(label)) · scale`.
    ///
    /// @param logits bf16 [rows × vocabulary], contiguous
    /// @param labels one per row
    /// @param scale  what the loss is multiplied by before it is differentiated
    public static Outcome lossAndGradient(Tensor logits, int[] labels, double scale) {
        long vocabulary = logits.size(1);
        if (logits.dtype() != DType.BF16 || !logits.isContiguous() || logits.size(0) != labels.length) {
            throw new IllegalArgumentException("Expected contiguous bf16 logits, one row for each of " + labels.length
                    + " labels; found " + logits + ".");
        }
        long base = logits.address();
        double[] losses = new double[labels.length];
        boolean[] right = new boolean[labels.length];
        AtomicInteger next = new AtomicInteger();
        Workers.shared().run((part, parts) -> {
            for (int row = next.getAndIncrement(); row < labels.length; row = next.getAndIncrement()) {
                long x = base + 2 * vocabulary * row;
                float top = max(x, vocabulary);
                float own = at(x, labels[row]);
                float sum = exponentials(x, vocabulary, top);
                losses[row] = Math.log(sum) + top - own;
                right[row] = own == top && isFirst(x, labels[row], top);
                gradient(x, vocabulary, top, (float) (scale / sum));
                put(x, labels[row], (float) ((Math.exp(own - top) / sum - 1) * scale));
            }
        });
        // Summed in order, so that equal inputs give equal bits however the rows were shared.
        double loss = 0;
        long correct = 0;
        for (int row = 0; row < labels.length; row++) {
            loss += losses[row];
            correct += right[row] ? 1 : 0;
        }
        return new Outcome(loss, correct);
    }

    private static float at(long x, long i) {
        return Float.intBitsToFloat(MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, x + 2 * i) << 16);
    }

    private static void put(long x, long i, float value) {
        int bits = Float.floatToRawIntBits(value);
        MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, x + 2 * i, (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16));
    }

    private static boolean isFirst(long x, long label, float top) {
        for (long i = 0; i < label; i++) {
            if (at(x, i) == top) {
                return false;
            }
        }
        return true;
    }

    private static float max(long x, long n) {
        FloatVector even = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        FloatVector odd = even;
        long end = n - n % RUN;
        for (long i = 0; i < end; i += RUN) {
            IntVector pair = IntVector.fromMemorySegment(I, MEMORY, x + 2 * i, LITTLE_ENDIAN);
            even = even.max(pair.lanewise(LSHL, 16).reinterpretAsFloats());
            odd = odd.max(pair.and(0xFFFF0000).reinterpretAsFloats());
        }
        float top = even.max(odd).reduceLanes(MAX);
        for (long i = end; i < n; i++) {
            top = Math.max(top, at(x, i));
        }
        return top;
    }

    /// e^x for x ≤ 0 to a relative 3e-7: the power of two goes into the exponent's bits, the rest is a
    /// polynomial.
    private static FloatVector exp(FloatVector x) {
        FloatVector scaled = x.max(-87f).mul(1.44269504f);
        FloatVector shifted = scaled.add(12582912f);
        FloatVector rest = scaled.sub(shifted.sub(12582912f));
        FloatVector p = FloatVector.broadcast(F, 0.00015403530f);
        p = p.fma(rest, FloatVector.broadcast(F, 0.0013333558f));
        p = p.fma(rest, FloatVector.broadcast(F, 0.0096181291f));
        p = p.fma(rest, FloatVector.broadcast(F, 0.0555041087f));
        p = p.fma(rest, FloatVector.broadcast(F, 0.240226507f));
        p = p.fma(rest, FloatVector.broadcast(F, 0.693147181f));
        p = p.fma(rest, FloatVector.broadcast(F, 1f));
        return p.reinterpretAsInts()
                .add(shifted.reinterpretAsInts().lanewise(LSHL, 23))
                .reinterpretAsFloats();
    }

    private static float exponentials(long x, long n, float top) {
        FloatVector even = FloatVector.zero(F);
        FloatVector odd = even;
        long end = n - n % RUN;
        for (long i = 0; i < end; i += RUN) {
            IntVector pair = IntVector.fromMemorySegment(I, MEMORY, x + 2 * i, LITTLE_ENDIAN);
            even = even.add(exp(pair.lanewise(LSHL, 16).reinterpretAsFloats().sub(top)));
            odd = odd.add(exp(pair.and(0xFFFF0000).reinterpretAsFloats().sub(top)));
        }
        // Lane by lane: the order in which reduceLanes adds changes when the method is compiled, and so would the bits.
        float sum = 0;
        for (float lane : even.add(odd).toArray()) {
            sum += lane;
        }
        for (long i = end; i < n; i++) {
            sum += (float) Math.exp(at(x, i) - top);
        }
        return sum;
    }

    private static void gradient(long x, long n, float top, float factor) {
        long end = n - n % RUN;
        for (long i = 0; i < end; i += RUN) {
            IntVector pair = IntVector.fromMemorySegment(I, MEMORY, x + 2 * i, LITTLE_ENDIAN);
            IntVector low = exp(pair.lanewise(LSHL, 16).reinterpretAsFloats().sub(top))
                    .mul(factor)
                    .reinterpretAsInts();
            IntVector high = exp(pair.and(0xFFFF0000).reinterpretAsFloats().sub(top))
                    .mul(factor)
                    .reinterpretAsInts();
            // To the nearest bf16, ties to even.
            low = low.add(low.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            high = high.add(high.lanewise(LSHR, 16).and(1).add(0x7FFF)).and(0xFFFF0000);
            low.or(high).intoMemorySegment(MEMORY, x + 2 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            put(x, i, (float) (Math.exp(at(x, i) - top) * factor));
        }
    }
}
