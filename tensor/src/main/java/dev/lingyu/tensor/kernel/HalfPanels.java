package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/// Products of one or four rows with panels of 16-bit weights (the layout is [PackedMatrix]'s).
///
/// A lane of 32 bits holds two neighbouring inputs of one output, the even one in its low half, so a bf16
/// becomes an f32 by a shift or a mask. Lanes are outputs: x is broadcast, nothing is summed across lanes, and
/// each output is added up in the order of its inputs, whatever the vectors' length.
///
/// Weights that are not finite stay so in bf16. In f16 their exponent counts like any other, so that an infinity is
/// 65536 and what is not a number up to twice that: telling them apart would cost each weight two more instructions.
final class HalfPanels {
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final long BYTES = F.vectorByteSize();
    private static final int VECTORS = 4;
    private static final int UPPER = 0xFFFF0000;
    /// Sign, exponent and mantissa of an f16, moved to their places in an f32, are its value · 2⁻¹¹².
    private static final int HALF_BITS = 0x8FFFE000;
    /// x comes multiplied by 2⁵⁶, so that products do not vanish; the other half of 2¹¹² is made good here.
    static final float HALF_SCALE = 0x1p56f;

    private HalfPanels() {}

    /// `y[r][n] = Σ x[r][k] · w[n][k]` for one panel.
    ///
    /// @param half whether weights are f16, and x multiplied by [#HALF_SCALE]; else bf16
    /// @param w    address of the panel
    /// @param in   inputs, a multiple of 2
    /// @param x    address of f32 [rows × in]
    /// @param rows 1 or 4
    /// @param y    address of f32 [rows × 64], written
    static void multiply(boolean half, long w, long in, long x, int rows, long y) {
        long pairs = in / 2;
        if (half) {
            if (rows == 1) {
                f16(w, pairs, x, y);
            } else {
                f16FourRows(w, pairs, x, 4 * in, y);
            }
        } else if (rows == 1) {
            bf16(w, pairs, x, y);
        } else {
            bf16FourRows(w, pairs, x, 4 * in, y);
        }
    }

    /// One row of x: a panel's 64 outputs, all of its inputs.
    private static void bf16(long w, long pairs, long x, long y) {
        for (long lane = 0; lane < PackedMatrix.PANEL; lane += VECTORS * F.length()) {
            long o = w + 4 * lane;
            long end = o + 4 * PackedMatrix.PANEL * pairs;
            long at = x;
            FloatVector even0 = FloatVector.zero(F);
            FloatVector odd0 = FloatVector.zero(F);
            FloatVector even1 = FloatVector.zero(F);
            FloatVector odd1 = FloatVector.zero(F);
            FloatVector even2 = FloatVector.zero(F);
            FloatVector odd2 = FloatVector.zero(F);
            FloatVector even3 = FloatVector.zero(F);
            FloatVector odd3 = FloatVector.zero(F);
            for (; o < end; o += 4 * PackedMatrix.PANEL, at += 8) {
                IntVector v0 = IntVector.fromMemorySegment(I, MEMORY, o, LITTLE_ENDIAN);
                IntVector v1 = IntVector.fromMemorySegment(I, MEMORY, o + BYTES, LITTLE_ENDIAN);
                IntVector v2 = IntVector.fromMemorySegment(I, MEMORY, o + 2 * BYTES, LITTLE_ENDIAN);
                IntVector v3 = IntVector.fromMemorySegment(I, MEMORY, o + 3 * BYTES, LITTLE_ENDIAN);
                FloatVector w0 = v0.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w1 = v1.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w2 = v2.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w3 = v3.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at));
                even0 = w0.fma(s, even0);
                even1 = w1.fma(s, even1);
                even2 = w2.fma(s, even2);
                even3 = w3.fma(s, even3);
                w0 = v0.and(UPPER).reinterpretAsFloats();
                w1 = v1.and(UPPER).reinterpretAsFloats();
                w2 = v2.and(UPPER).reinterpretAsFloats();
                w3 = v3.and(UPPER).reinterpretAsFloats();
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 4));
                odd0 = w0.fma(s, odd0);
                odd1 = w1.fma(s, odd1);
                odd2 = w2.fma(s, odd2);
                odd3 = w3.fma(s, odd3);
            }
            even0.add(odd0).intoMemorySegment(MEMORY, y + 4 * lane, LITTLE_ENDIAN);
            even1.add(odd1).intoMemorySegment(MEMORY, y + 4 * lane + BYTES, LITTLE_ENDIAN);
            even2.add(odd2).intoMemorySegment(MEMORY, y + 4 * lane + 2 * BYTES, LITTLE_ENDIAN);
            even3.add(odd3).intoMemorySegment(MEMORY, y + 4 * lane + 3 * BYTES, LITTLE_ENDIAN);
        }
    }

    /// Four rows of x at once: weights are unpacked once for all.
    private static void bf16FourRows(long w, long pairs, long x, long xRow, long y) {
        for (long lane = 0; lane < PackedMatrix.PANEL; lane += VECTORS * F.length()) {
            long o = w + 4 * lane;
            long end = o + 4 * PackedMatrix.PANEL * pairs;
            long at = x;
            FloatVector y00 = FloatVector.zero(F);
            FloatVector y01 = FloatVector.zero(F);
            FloatVector y02 = FloatVector.zero(F);
            FloatVector y03 = FloatVector.zero(F);
            FloatVector y10 = FloatVector.zero(F);
            FloatVector y11 = FloatVector.zero(F);
            FloatVector y12 = FloatVector.zero(F);
            FloatVector y13 = FloatVector.zero(F);
            FloatVector y20 = FloatVector.zero(F);
            FloatVector y21 = FloatVector.zero(F);
            FloatVector y22 = FloatVector.zero(F);
            FloatVector y23 = FloatVector.zero(F);
            FloatVector y30 = FloatVector.zero(F);
            FloatVector y31 = FloatVector.zero(F);
            FloatVector y32 = FloatVector.zero(F);
            FloatVector y33 = FloatVector.zero(F);
            for (; o < end; o += 4 * PackedMatrix.PANEL, at += 8) {
                IntVector v0 = IntVector.fromMemorySegment(I, MEMORY, o, LITTLE_ENDIAN);
                IntVector v1 = IntVector.fromMemorySegment(I, MEMORY, o + BYTES, LITTLE_ENDIAN);
                IntVector v2 = IntVector.fromMemorySegment(I, MEMORY, o + 2 * BYTES, LITTLE_ENDIAN);
                IntVector v3 = IntVector.fromMemorySegment(I, MEMORY, o + 3 * BYTES, LITTLE_ENDIAN);
                FloatVector w0 = v0.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w1 = v1.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w2 = v2.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w3 = v3.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at));
                y00 = w0.fma(s, y00);
                y01 = w1.fma(s, y01);
                y02 = w2.fma(s, y02);
                y03 = w3.fma(s, y03);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow));
                y10 = w0.fma(s, y10);
                y11 = w1.fma(s, y11);
                y12 = w2.fma(s, y12);
                y13 = w3.fma(s, y13);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow));
                y20 = w0.fma(s, y20);
                y21 = w1.fma(s, y21);
                y22 = w2.fma(s, y22);
                y23 = w3.fma(s, y23);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow));
                y30 = w0.fma(s, y30);
                y31 = w1.fma(s, y31);
                y32 = w2.fma(s, y32);
                y33 = w3.fma(s, y33);
                w0 = v0.and(UPPER).reinterpretAsFloats();
                w1 = v1.and(UPPER).reinterpretAsFloats();
                w2 = v2.and(UPPER).reinterpretAsFloats();
                w3 = v3.and(UPPER).reinterpretAsFloats();
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 4));
                y00 = w0.fma(s, y00);
                y01 = w1.fma(s, y01);
                y02 = w2.fma(s, y02);
                y03 = w3.fma(s, y03);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow + 4));
                y10 = w0.fma(s, y10);
                y11 = w1.fma(s, y11);
                y12 = w2.fma(s, y12);
                y13 = w3.fma(s, y13);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow + 4));
                y20 = w0.fma(s, y20);
                y21 = w1.fma(s, y21);
                y22 = w2.fma(s, y22);
                y23 = w3.fma(s, y23);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow + 4));
                y30 = w0.fma(s, y30);
                y31 = w1.fma(s, y31);
                y32 = w2.fma(s, y32);
                y33 = w3.fma(s, y33);
            }
            y00.intoMemorySegment(MEMORY, y + 4 * lane, LITTLE_ENDIAN);
            y01.intoMemorySegment(MEMORY, y + 4 * lane + BYTES, LITTLE_ENDIAN);
            y02.intoMemorySegment(MEMORY, y + 4 * lane + 2 * BYTES, LITTLE_ENDIAN);
            y03.intoMemorySegment(MEMORY, y + 4 * lane + 3 * BYTES, LITTLE_ENDIAN);
            y10.intoMemorySegment(MEMORY, y + 4 * (lane + PackedMatrix.PANEL), LITTLE_ENDIAN);
            y11.intoMemorySegment(MEMORY, y + 4 * (lane + PackedMatrix.PANEL) + BYTES, LITTLE_ENDIAN);
            y12.intoMemorySegment(MEMORY, y + 4 * (lane + PackedMatrix.PANEL) + 2 * BYTES, LITTLE_ENDIAN);
            y13.intoMemorySegment(MEMORY, y + 4 * (lane + PackedMatrix.PANEL) + 3 * BYTES, LITTLE_ENDIAN);
            y20.intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PackedMatrix.PANEL), LITTLE_ENDIAN);
            y21.intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PackedMatrix.PANEL) + BYTES, LITTLE_ENDIAN);
            y22.intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PackedMatrix.PANEL) + 2 * BYTES, LITTLE_ENDIAN);
            y23.intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PackedMatrix.PANEL) + 3 * BYTES, LITTLE_ENDIAN);
            y30.intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PackedMatrix.PANEL), LITTLE_ENDIAN);
            y31.intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PackedMatrix.PANEL) + BYTES, LITTLE_ENDIAN);
            y32.intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PackedMatrix.PANEL) + 2 * BYTES, LITTLE_ENDIAN);
            y33.intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PackedMatrix.PANEL) + 3 * BYTES, LITTLE_ENDIAN);
        }
    }

    /// One row of x: a panel's 64 outputs, all of its inputs.
    private static void f16(long w, long pairs, long x, long y) {
        for (long lane = 0; lane < PackedMatrix.PANEL; lane += VECTORS * F.length()) {
            long o = w + 4 * lane;
            long end = o + 4 * PackedMatrix.PANEL * pairs;
            long at = x;
            FloatVector even0 = FloatVector.zero(F);
            FloatVector odd0 = FloatVector.zero(F);
            FloatVector even1 = FloatVector.zero(F);
            FloatVector odd1 = FloatVector.zero(F);
            FloatVector even2 = FloatVector.zero(F);
            FloatVector odd2 = FloatVector.zero(F);
            FloatVector even3 = FloatVector.zero(F);
            FloatVector odd3 = FloatVector.zero(F);
            for (; o < end; o += 4 * PackedMatrix.PANEL, at += 8) {
                IntVector v0 = IntVector.fromMemorySegment(I, MEMORY, o, LITTLE_ENDIAN);
                IntVector v1 = IntVector.fromMemorySegment(I, MEMORY, o + BYTES, LITTLE_ENDIAN);
                IntVector v2 = IntVector.fromMemorySegment(I, MEMORY, o + 2 * BYTES, LITTLE_ENDIAN);
                IntVector v3 = IntVector.fromMemorySegment(I, MEMORY, o + 3 * BYTES, LITTLE_ENDIAN);
                FloatVector w0 =
                        v0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                FloatVector w1 =
                        v1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                FloatVector w2 =
                        v2.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                FloatVector w3 =
                        v3.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                FloatVector s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at));
                even0 = w0.fma(s, even0);
                even1 = w1.fma(s, even1);
                even2 = w2.fma(s, even2);
                even3 = w3.fma(s, even3);
                w0 = v0.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                w1 = v1.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                w2 = v2.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                w3 = v3.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 4));
                odd0 = w0.fma(s, odd0);
                odd1 = w1.fma(s, odd1);
                odd2 = w2.fma(s, odd2);
                odd3 = w3.fma(s, odd3);
            }
            even0.add(odd0).mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * lane, LITTLE_ENDIAN);
            even1.add(odd1).mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * lane + BYTES, LITTLE_ENDIAN);
            even2.add(odd2).mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * lane + 2 * BYTES, LITTLE_ENDIAN);
            even3.add(odd3).mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * lane + 3 * BYTES, LITTLE_ENDIAN);
        }
    }

    /// Four rows of x at once: weights are unpacked once for all.
    private static void f16FourRows(long w, long pairs, long x, long xRow, long y) {
        for (long lane = 0; lane < PackedMatrix.PANEL; lane += VECTORS * F.length()) {
            long o = w + 4 * lane;
            long end = o + 4 * PackedMatrix.PANEL * pairs;
            long at = x;
            FloatVector y00 = FloatVector.zero(F);
            FloatVector y01 = FloatVector.zero(F);
            FloatVector y02 = FloatVector.zero(F);
            FloatVector y03 = FloatVector.zero(F);
            FloatVector y10 = FloatVector.zero(F);
            FloatVector y11 = FloatVector.zero(F);
            FloatVector y12 = FloatVector.zero(F);
            FloatVector y13 = FloatVector.zero(F);
            FloatVector y20 = FloatVector.zero(F);
            FloatVector y21 = FloatVector.zero(F);
            FloatVector y22 = FloatVector.zero(F);
            FloatVector y23 = FloatVector.zero(F);
            FloatVector y30 = FloatVector.zero(F);
            FloatVector y31 = FloatVector.zero(F);
            FloatVector y32 = FloatVector.zero(F);
            FloatVector y33 = FloatVector.zero(F);
            for (; o < end; o += 4 * PackedMatrix.PANEL, at += 8) {
                IntVector v0 = IntVector.fromMemorySegment(I, MEMORY, o, LITTLE_ENDIAN);
                IntVector v1 = IntVector.fromMemorySegment(I, MEMORY, o + BYTES, LITTLE_ENDIAN);
                IntVector v2 = IntVector.fromMemorySegment(I, MEMORY, o + 2 * BYTES, LITTLE_ENDIAN);
                IntVector v3 = IntVector.fromMemorySegment(I, MEMORY, o + 3 * BYTES, LITTLE_ENDIAN);
                FloatVector w0 =
                        v0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                FloatVector w1 =
                        v1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                FloatVector w2 =
                        v2.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                FloatVector w3 =
                        v3.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                FloatVector s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at));
                y00 = w0.fma(s, y00);
                y01 = w1.fma(s, y01);
                y02 = w2.fma(s, y02);
                y03 = w3.fma(s, y03);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow));
                y10 = w0.fma(s, y10);
                y11 = w1.fma(s, y11);
                y12 = w2.fma(s, y12);
                y13 = w3.fma(s, y13);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow));
                y20 = w0.fma(s, y20);
                y21 = w1.fma(s, y21);
                y22 = w2.fma(s, y22);
                y23 = w3.fma(s, y23);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow));
                y30 = w0.fma(s, y30);
                y31 = w1.fma(s, y31);
                y32 = w2.fma(s, y32);
                y33 = w3.fma(s, y33);
                w0 = v0.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                w1 = v1.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                w2 = v2.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                w3 = v3.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 4));
                y00 = w0.fma(s, y00);
                y01 = w1.fma(s, y01);
                y02 = w2.fma(s, y02);
                y03 = w3.fma(s, y03);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow + 4));
                y10 = w0.fma(s, y10);
                y11 = w1.fma(s, y11);
                y12 = w2.fma(s, y12);
                y13 = w3.fma(s, y13);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow + 4));
                y20 = w0.fma(s, y20);
                y21 = w1.fma(s, y21);
                y22 = w2.fma(s, y22);
                y23 = w3.fma(s, y23);
                s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow + 4));
                y30 = w0.fma(s, y30);
                y31 = w1.fma(s, y31);
                y32 = w2.fma(s, y32);
                y33 = w3.fma(s, y33);
            }
            y00.mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * lane, LITTLE_ENDIAN);
            y01.mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * lane + BYTES, LITTLE_ENDIAN);
            y02.mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * lane + 2 * BYTES, LITTLE_ENDIAN);
            y03.mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * lane + 3 * BYTES, LITTLE_ENDIAN);
            y10.mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * (lane + PackedMatrix.PANEL), LITTLE_ENDIAN);
            y11.mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * (lane + PackedMatrix.PANEL) + BYTES, LITTLE_ENDIAN);
            y12.mul(HALF_SCALE)
                    .intoMemorySegment(MEMORY, y + 4 * (lane + PackedMatrix.PANEL) + 2 * BYTES, LITTLE_ENDIAN);
            y13.mul(HALF_SCALE)
                    .intoMemorySegment(MEMORY, y + 4 * (lane + PackedMatrix.PANEL) + 3 * BYTES, LITTLE_ENDIAN);
            y20.mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PackedMatrix.PANEL), LITTLE_ENDIAN);
            y21.mul(HALF_SCALE)
                    .intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PackedMatrix.PANEL) + BYTES, LITTLE_ENDIAN);
            y22.mul(HALF_SCALE)
                    .intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PackedMatrix.PANEL) + 2 * BYTES, LITTLE_ENDIAN);
            y23.mul(HALF_SCALE)
                    .intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PackedMatrix.PANEL) + 3 * BYTES, LITTLE_ENDIAN);
            y30.mul(HALF_SCALE).intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PackedMatrix.PANEL), LITTLE_ENDIAN);
            y31.mul(HALF_SCALE)
                    .intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PackedMatrix.PANEL) + BYTES, LITTLE_ENDIAN);
            y32.mul(HALF_SCALE)
                    .intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PackedMatrix.PANEL) + 2 * BYTES, LITTLE_ENDIAN);
            y33.mul(HALF_SCALE)
                    .intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PackedMatrix.PANEL) + 3 * BYTES, LITTLE_ENDIAN);
        }
    }
}
