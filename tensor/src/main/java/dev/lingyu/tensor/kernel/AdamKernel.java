package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.S2I;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Adam's update of bf16 weights with exact f32 masters, in one sweep over memory.
///
/// A master is not stored: it is the weight's 16 bits as the upper half of an f32, plus a signed 16-bit
/// `rest`. Weight and rest together take 4 bytes and are the master, bit for bit; the weight is the master
/// rounded to bf16. So a sweep reads and writes 32 bytes per weight where masters, copies, clipping and
/// zeroing in turn take 50.
public final class AdamKernel {
    /// Counts must be multiples of this, so that no sweep has a tail: pad with zeros, which stay zero.
    public static final int MULTIPLE = 64;

    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));

    private AdamKernel() {}

    /// The constants of one update.
    ///
    /// @param learningRate  η
    /// @param beta1         decay of the first moment
    /// @param beta2         decay of the second moment
    /// @param epsilon       ε
    /// @param weightDecay   λ, decoupled
    /// @param gradientScale what gradients are multiplied by first: the clipping factor
    /// @param step          the number of this update, from 1
    public record Update(
            double learningRate,
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            double gradientScale,
            long step) {}

    /// Splits f32 masters.
    ///
    /// @param masters f32 [n]
    /// @param weights bf16 [n], written: the masters rounded half up
    /// @param rests   int16 [n], written: what rounding left, in units of the master's last bit
    public static void split(Tensor masters, Tensor weights, Tensor rests) {
        long n = check(masters, DType.F32, weights, DType.BF16, rests, DType.I16);
        long m = masters.address();
        long w = weights.address();
        long r = rests.address();
        Workers.shared().run((part, parts) -> {
            for (long i = start(part, parts, n); i < start(part + 1, parts, n); i += F.length()) {
                IntVector bits = IntVector.fromMemorySegment(I, MEMORY, m + 4 * i, LITTLE_ENDIAN);
                IntVector upper = bits.add(0x8000).lanewise(ASHR, 16);
                store(upper, w + 2 * i);
                store(bits.sub(upper.lanewise(LSHL, 16)), r + 2 * i);
            }
        });
    }

    /// Puts masters together again: the inverse of [#split].
    public static void join(Tensor weights, Tensor rests, Tensor masters) {
        long n = check(masters, DType.F32, weights, DType.BF16, rests, DType.I16);
        long m = masters.address();
        long w = weights.address();
        long r = rests.address();
        Workers.shared().run((part, parts) -> {
            for (long i = start(part, parts, n); i < start(part + 1, parts, n); i += F.length()) {
                load(w + 2 * i)
                        .lanewise(LSHL, 16)
                        .add(load(r + 2 * i))
                        .intoMemorySegment(MEMORY, m + 4 * i, LITTLE_ENDIAN);
            }
        });
    }

    /// One update of weights, rests and moments.
    ///
    /// @param weights      bf16 [n]
    /// @param rests        int16 [n]
    /// @param gradients    f32 [n]
    /// @param firstMoment  f32 [n]
    /// @param secondMoment f32 [n]
    public static void update(
            Tensor weights, Tensor rests, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Update u) {
        long n = check(gradients, DType.F32, weights, DType.BF16, rests, DType.I16);
        check(firstMoment, DType.F32, weights, DType.BF16, secondMoment, DType.F32);
        float clip = (float) u.gradientScale();
        float b1 = (float) (1 - u.beta1());
        float b2 = (float) u.beta2();
        float c2 = (float) (1 - u.beta2());
        float rate = (float) (u.learningRate() / (1 - Math.pow(u.beta1(), u.step())));
        float root = (float) (1 / Math.sqrt(1 - Math.pow(u.beta2(), u.step())));
        float keep = (float) (1 - u.learningRate() * u.weightDecay());
        float epsilon = (float) u.epsilon();
        long wa = weights.address();
        long ra = rests.address();
        long ga = gradients.address();
        long ma = firstMoment.address();
        long va = secondMoment.address();
        Workers.shared()
                .run((part, parts) ->
                        sweep(wa, ra, ga, ma, va, start(part, parts, n), start(part + 1, parts, n), new float[] {
                            clip, b1, b2, c2, rate, root, keep, epsilon
                        }));
    }

    private static void sweep(long wa, long ra, long ga, long ma, long va, long from, long to, float[] c) {
        FloatVector clip = FloatVector.broadcast(F, c[0]);
        FloatVector oneMinusBeta1 = FloatVector.broadcast(F, c[1]);
        FloatVector beta2 = FloatVector.broadcast(F, c[2]);
        FloatVector oneMinusBeta2 = FloatVector.broadcast(F, c[3]);
        FloatVector rate = FloatVector.broadcast(F, c[4]);
        FloatVector root = FloatVector.broadcast(F, c[5]);
        FloatVector keep = FloatVector.broadcast(F, c[6]);
        FloatVector epsilon = FloatVector.broadcast(F, c[7]);
        for (long i = from; i < to; i += F.length()) {
            FloatVector g = FloatVector.fromMemorySegment(F, MEMORY, ga + 4 * i, LITTLE_ENDIAN)
                    .mul(clip);
            FloatVector m = FloatVector.fromMemorySegment(F, MEMORY, ma + 4 * i, LITTLE_ENDIAN);
            m = g.sub(m).fma(oneMinusBeta1, m);
            m.intoMemorySegment(MEMORY, ma + 4 * i, LITTLE_ENDIAN);
            FloatVector v = FloatVector.fromMemorySegment(F, MEMORY, va + 4 * i, LITTLE_ENDIAN);
            v = v.mul(beta2).add(g.mul(g).mul(oneMinusBeta2));
            v.intoMemorySegment(MEMORY, va + 4 * i, LITTLE_ENDIAN);
            IntVector bits = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, wa + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .add(ShortVector.fromMemorySegment(S, MEMORY, ra + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0));
            FloatVector w = bits.reinterpretAsFloats();
            bits = w.mul(keep)
                    .sub(m.mul(rate).div(v.sqrt().mul(root).add(epsilon)))
                    .reinterpretAsInts();
            IntVector upper = bits.add(0x8000).lanewise(ASHR, 16);
            ((ShortVector) upper.convertShape(I2S, S, 0)).intoMemorySegment(MEMORY, wa + 2 * i, LITTLE_ENDIAN);
            ((ShortVector) bits.sub(upper.lanewise(LSHL, 16)).convertShape(I2S, S, 0))
                    .intoMemorySegment(MEMORY, ra + 2 * i, LITTLE_ENDIAN);
        }
    }

    private static IntVector load(long address) {
        return (IntVector)
                ShortVector.fromMemorySegment(S, MEMORY, address, LITTLE_ENDIAN).convertShape(S2I, I, 0);
    }

    private static void store(IntVector value, long address) {
        ((ShortVector) value.convertShape(I2S, S, 0)).intoMemorySegment(MEMORY, address, LITTLE_ENDIAN);
    }

    /// The first element of a share, at a multiple of [#MULTIPLE].
    private static long start(int part, int parts, long n) {
        return n / MULTIPLE * part / parts * MULTIPLE;
    }

    private static long check(Tensor a, DType typeOfA, Tensor b, DType typeOfB, Tensor c, DType typeOfC) {
        long n = a.count();
        if (b.count() != n || c.count() != n || n % MULTIPLE != 0) {
            throw new IllegalArgumentException("Sizes " + n + ", " + b.count() + ", " + c.count()
                    + ": expected one multiple of " + MULTIPLE + " for all.");
        }
        if (a.dtype() != typeOfA || b.dtype() != typeOfB || c.dtype() != typeOfC) {
            throw new IllegalArgumentException("Types " + a.dtype() + ", " + b.dtype() + ", " + c.dtype()
                    + ": expected " + typeOfA + ", " + typeOfB + ", " + typeOfC + ".");
        }
        if (!a.isContiguous() || !b.isContiguous() || !c.isContiguous()) {
            throw new IllegalArgumentException("The kernel needs contiguous memory.");
        }
        return n;
    }
}
