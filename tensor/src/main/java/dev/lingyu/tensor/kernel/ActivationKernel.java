package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// GELU in its tanh form and the gated SiLU of bf16 matrices, each with its gradient in one sweep.
///
/// Both are a product with a sigmoid: `gelu(x) = x σ(2u)`, `u = √(2/π) (x + 0.044715 x³)`, and
/// `silu(x) = x σ(x)`. Computed in f32, rounded once at the end.
public final class ActivationKernel {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int LANES = F.length();
    /// 2 √(2/π), that times 0.044715, and the latter's derivative.
    private static final float LINEAR = 1.5957691216f;

    private static final float CUBIC = 0.0713548163f;
    private static final float SLOPE = 3 * CUBIC;

    private ActivationKernel() {}

    /// Whether these kernels take such a matrix: bf16 on the CPU, its rows without gaps inside.
    public static boolean takes(Tensor x) {
        return x.dtype() == DType.BF16 && x.device().equals(Device.CPU) && x.rank() == 2 && x.stride(1) == 1;
    }

    /// GELU.
    ///
    /// @param x [rows × n]
    /// @param y [rows × n], overwritten; may be x
    public static void gelu(Tensor x, Tensor y) {
        check(x, y);
        Matrix from = Matrix.of(x);
        Matrix to = Matrix.of(y);
        each(x, (row, n) -> gelu(from.row(row), to.row(row), n));
    }

    /// Multiplies gradients of GELU's outputs by its derivative.
    ///
    /// @param x         what went in [rows × n]
    /// @param gradients [rows × n], replaced by those of x
    public static void geluGradient(Tensor x, Tensor gradients) {
        check(x, gradients);
        Matrix in = Matrix.of(x);
        Matrix g = Matrix.of(gradients);
        each(x, (row, n) -> geluGradient(in.row(row), g.row(row), n));
    }

    /// `silu(gate) · up`.
    ///
    /// @param gate [rows × n]
    /// @param up   [rows × n]
    /// @param y    [rows × n], overwritten
    public static void gatedSilu(Tensor gate, Tensor up, Tensor y) {
        check(gate, up);
        check(gate, y);
        Matrix a = Matrix.of(gate);
        Matrix b = Matrix.of(up);
        Matrix to = Matrix.of(y);
        each(gate, (row, n) -> gatedSilu(a.row(row), b.row(row), to.row(row), n));
    }

    /// The gradients of a gated SiLU.
    ///
    /// @param gate          what went in [rows × n]
    /// @param up            what went in [rows × n]
    /// @param gradients     of the output [rows × n], replaced by those of `gate`
    /// @param upGradients   overwritten by those of `up` [rows × n]
    public static void gatedSiluGradient(Tensor gate, Tensor up, Tensor gradients, Tensor upGradients) {
        check(gate, up);
        check(gate, gradients);
        check(gate, upGradients);
        Matrix a = Matrix.of(gate);
        Matrix b = Matrix.of(up);
        Matrix g = Matrix.of(gradients);
        Matrix h = Matrix.of(upGradients);
        each(gate, (row, n) -> gatedSiluGradient(a.row(row), b.row(row), g.row(row), h.row(row), n));
    }

    private static void gelu(long x, long y, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector a = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, x + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            FloatVector u = a.mul(a)
                    .fma(FloatVector.broadcast(F, -CUBIC), FloatVector.broadcast(F, -LINEAR))
                    .mul(a)
                    .min(80f)
                    .max(-80f)
                    .mul(1.44269504f);
            FloatVector shifted = u.add(12582912f);
            FloatVector rest = u.sub(shifted.sub(12582912f));
            FloatVector e = FloatVector.broadcast(F, 0.0013333558f);
            e = e.fma(rest, FloatVector.broadcast(F, 0.0096181291f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.0555041087f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.240226507f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.693147181f));
            e = e.fma(rest, FloatVector.broadcast(F, 1f));
            e = e.reinterpretAsInts()
                    .add(shifted.reinterpretAsInts().lanewise(LSHL, 23))
                    .reinterpretAsFloats();
            IntVector bits = a.div(e.add(1f)).reinterpretAsInts();
            bits = bits.add(bits.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            ((ShortVector) bits.convertShape(I2S, S, 0)).intoMemorySegment(MEMORY, y + 2 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            float a = at(x, i);
            put(y, i, (float) (a * sigmoid(a * (LINEAR + CUBIC * a * a))));
        }
    }

    private static void geluGradient(long x, long g, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector a = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, x + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            FloatVector square = a.mul(a);
            FloatVector u = square.fma(FloatVector.broadcast(F, -CUBIC), FloatVector.broadcast(F, -LINEAR))
                    .mul(a)
                    .min(80f)
                    .max(-80f)
                    .mul(1.44269504f);
            FloatVector shifted = u.add(12582912f);
            FloatVector rest = u.sub(shifted.sub(12582912f));
            FloatVector e = FloatVector.broadcast(F, 0.0013333558f);
            e = e.fma(rest, FloatVector.broadcast(F, 0.0096181291f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.0555041087f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.240226507f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.693147181f));
            e = e.fma(rest, FloatVector.broadcast(F, 1f));
            e = e.reinterpretAsInts()
                    .add(shifted.reinterpretAsInts().lanewise(LSHL, 23))
                    .reinterpretAsFloats();
            FloatVector s = FloatVector.broadcast(F, 1f).div(e.add(1f));
            FloatVector slope = square.fma(FloatVector.broadcast(F, SLOPE), FloatVector.broadcast(F, LINEAR));
            FloatVector d = a.mul(s).mul(FloatVector.broadcast(F, 1f).sub(s)).fma(slope, s);
            FloatVector b = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, g + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            IntVector bits = d.mul(b).reinterpretAsInts();
            bits = bits.add(bits.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            ((ShortVector) bits.convertShape(I2S, S, 0)).intoMemorySegment(MEMORY, g + 2 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            float a = at(x, i);
            double s = sigmoid(a * (LINEAR + CUBIC * a * a));
            put(g, i, (float) (at(g, i) * (s + a * s * (1 - s) * (LINEAR + SLOPE * a * a))));
        }
    }

    private static void gatedSilu(long gate, long up, long y, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector a = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, gate + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            FloatVector b = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, up + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            FloatVector u = a.neg().min(80f).max(-80f).mul(1.44269504f);
            FloatVector shifted = u.add(12582912f);
            FloatVector rest = u.sub(shifted.sub(12582912f));
            FloatVector e = FloatVector.broadcast(F, 0.0013333558f);
            e = e.fma(rest, FloatVector.broadcast(F, 0.0096181291f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.0555041087f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.240226507f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.693147181f));
            e = e.fma(rest, FloatVector.broadcast(F, 1f));
            e = e.reinterpretAsInts()
                    .add(shifted.reinterpretAsInts().lanewise(LSHL, 23))
                    .reinterpretAsFloats();
            IntVector bits = a.div(e.add(1f)).mul(b).reinterpretAsInts();
            bits = bits.add(bits.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            ((ShortVector) bits.convertShape(I2S, S, 0)).intoMemorySegment(MEMORY, y + 2 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            float a = at(gate, i);
            put(y, i, (float) (a * sigmoid(a) * at(up, i)));
        }
    }

    private static void gatedSiluGradient(long gate, long up, long g, long upGradient, long n) {
        long end = n - n % LANES;
        for (long i = 0; i < end; i += LANES) {
            FloatVector a = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, gate + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            FloatVector b = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, up + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            FloatVector d = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, g + 2 * i, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats();
            FloatVector u = a.neg().min(80f).max(-80f).mul(1.44269504f);
            FloatVector shifted = u.add(12582912f);
            FloatVector rest = u.sub(shifted.sub(12582912f));
            FloatVector e = FloatVector.broadcast(F, 0.0013333558f);
            e = e.fma(rest, FloatVector.broadcast(F, 0.0096181291f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.0555041087f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.240226507f));
            e = e.fma(rest, FloatVector.broadcast(F, 0.693147181f));
            e = e.fma(rest, FloatVector.broadcast(F, 1f));
            e = e.reinterpretAsInts()
                    .add(shifted.reinterpretAsInts().lanewise(LSHL, 23))
                    .reinterpretAsFloats();
            FloatVector s = FloatVector.broadcast(F, 1f).div(e.add(1f));
            FloatVector silu = a.mul(s);
            IntVector ofUp = d.mul(silu).reinterpretAsInts();
            ofUp = ofUp.add(ofUp.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            ((ShortVector) ofUp.convertShape(I2S, S, 0)).intoMemorySegment(MEMORY, upGradient + 2 * i, LITTLE_ENDIAN);
            // silu' = σ (1 + x (1 − σ)) = σ + silu (1 − σ)
            IntVector ofGate = FloatVector.broadcast(F, 1f)
                    .sub(s)
                    .fma(silu, s)
                    .mul(d)
                    .mul(b)
                    .reinterpretAsInts();
            ofGate = ofGate.add(ofGate.lanewise(LSHR, 16).and(1).add(0x7FFF)).lanewise(LSHR, 16);
            ((ShortVector) ofGate.convertShape(I2S, S, 0)).intoMemorySegment(MEMORY, g + 2 * i, LITTLE_ENDIAN);
        }
        for (long i = end; i < n; i++) {
            float a = at(gate, i);
            float d = at(g, i);
            double s = sigmoid(a);
            put(upGradient, i, (float) (d * a * s));
            put(g, i, (float) (d * at(up, i) * (s + a * s * (1 - s))));
        }
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static float at(long x, long i) {
        return Float.intBitsToFloat(MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, x + 2 * i) << 16);
    }

    private static void put(long x, long i, float value) {
        int bits = Float.floatToRawIntBits(value);
        MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, x + 2 * i, (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16));
    }

    @FunctionalInterface
    private interface Rows {
        void run(long row, long n);
    }

    private static void each(Tensor like, Rows rows) {
        long n = like.size(1);
        Workers.shared().share(like.size(0), n, (part, row) -> rows.run(row, n));
    }

    /// Where the rows of a bf16 matrix are.
    private record Matrix(long address, long step) {
        static Matrix of(Tensor x) {
            return new Matrix(x.address(), 2 * x.stride(0));
        }

        long row(long row) {
            return address + step * row;
        }
    }

    private static void check(Tensor x, Tensor y) {
        if (!takes(x) || !takes(y) || x.size(0) != y.size(0) || x.size(1) != y.size(1)) {
            throw new IllegalArgumentException(
                    "Expected two bf16 matrices of one shape on the CPU; found " + x + " and " + y + ".");
        }
    }
}
