package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Products of one or four rows with panels of 8-bit or 4-bit weights (the layout is [QuantizedMatrix]'s).
///
/// A whole number u of b bits, moved to the top of an f32's mantissa under the exponent of 1, is the number
/// `1 + u · 2⁻ᵇ`: no conversion is needed. A group's sum starts with what the ones and the middle of a symmetric range
/// would add, so it ends as `Σ x · (u − middle) · 2⁻ᵇ`, and is multiplied by the group's scale once. Lanes are outputs:
/// nothing is summed across them.
///
/// The code repeats itself on purpose: with the reading of scales in a method of its own, called once per group, the
/// JIT compiler makes objects of vectors, and one row runs at 14 G weights/s a thread instead of 25.
final class IntPanels {
    private static final int PANEL = PackedMatrix.PANEL;
    private static final int GROUP = QuantizedMatrix.GROUP;
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int LANES = F.length();
    private static final long BYTES = F.vectorByteSize();
    private static final long HALF_BYTES = BYTES / 2;
    /// The bits of 1, and where the mantissa's top 8 and 4 bits are.
    static final int ONE = 0x3F800000;

    static final int BYTE = 0x007F8000;
    static final int NIBBLE = 0x00780000;
    /// Sign, exponent and mantissa of an f16, moved to their places in an f32, are its value · 2⁻¹¹².
    static final int HALF_BITS = 0x8FFFE000;

    static final float OFFSET_SCALE = 0x1p112f;
    static final float BYTE_SCALE = 0x1p120f;
    static final float NIBBLE_SCALE = 0x1p116f;

    private IntPanels() {}

    /// The sums that [#multiply] needs.
    ///
    /// @param x      address of f32 [groups × 32]
    /// @param groups groups of all rows
    /// @param to     address of f32 [groups], written
    static void sums(long x, long groups, long to) {
        for (long group = 0; group < groups; group++) {
            float sum = 0;
            for (long i = GROUP * group; i < GROUP * (group + 1); i++) {
                sum += MEMORY.get(FLOAT, x + 4 * i);
            }
            MEMORY.set(FLOAT, to + 4 * group, sum);
        }
    }

    /// `y[r][n] = Σ x[r][k] · w[n][k]` for one panel.
    ///
    /// @param method how weights are rounded
    /// @param w      address of the panel
    /// @param groups groups of 32 inputs
    /// @param x      address of f32 [rows × 32 · groups]
    /// @param sums   address of the sums of x over each group, f32 [rows × groups]
    /// @param rows   1 or 4
    /// @param y      address of f32 [rows × 64], written
    static void multiply(Quantization method, long w, long groups, long x, long sums, int rows, long y) {
        boolean offsets = method.asymmetric();
        // The ones, and where 0 lies in the middle of the range, half of it.
        float start = offsets ? -1 : -1.5f;
        if (method.bits() == 8) {
            if (rows == 1) {
                bytes(w, groups, offsets, x, sums, start, y);
            } else {
                bytesFourRows(w, groups, offsets, x, sums, start, y);
            }
        } else if (rows == 1) {
            nibbles(w, groups, offsets, x, sums, start, y);
        } else {
            nibblesFourRows(w, groups, offsets, x, sums, start, y);
        }
    }

    /// One row of x, 8 bits: a lane of 32 bits holds four neighbouring inputs of one output.
    private static void bytes(long w, long groups, boolean offsets, long x, long sums, float start, long y) {
        long header = offsets ? 4 * PANEL : 2 * PANEL;
        long groupBytes = header + 32 * PANEL;
        long end = w + groupBytes * groups;
        for (long lane = 0; lane < PANEL; lane += 4 * LANES) {
            long at = x;
            long sum = sums;
            FloatVector y0 = FloatVector.zero(F);
            FloatVector y1 = FloatVector.zero(F);
            FloatVector y2 = FloatVector.zero(F);
            FloatVector y3 = FloatVector.zero(F);
            for (long group = w; group < end; group += groupBytes, sum += 4) {
                float total = MEMORY.get(FLOAT, sum);
                FloatVector a0 = FloatVector.broadcast(F, start * total);
                FloatVector a1 = FloatVector.broadcast(F, start * total);
                FloatVector a2 = FloatVector.broadcast(F, start * total);
                FloatVector a3 = FloatVector.broadcast(F, start * total);
                FloatVector b0 = FloatVector.zero(F);
                FloatVector b1 = FloatVector.zero(F);
                FloatVector b2 = FloatVector.zero(F);
                FloatVector b3 = FloatVector.zero(F);
                long o = group + header + 4 * lane;
                long stop = o + 32 * PANEL;
                for (; o < stop; o += 4 * PANEL, at += 16) {
                    IntVector v0 = IntVector.fromMemorySegment(I, MEMORY, o, LITTLE_ENDIAN);
                    IntVector v1 = IntVector.fromMemorySegment(I, MEMORY, o + BYTES, LITTLE_ENDIAN);
                    IntVector v2 = IntVector.fromMemorySegment(I, MEMORY, o + 2 * BYTES, LITTLE_ENDIAN);
                    IntVector v3 = IntVector.fromMemorySegment(I, MEMORY, o + 3 * BYTES, LITTLE_ENDIAN);
                    FloatVector s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at));
                    a0 = v0.lanewise(LSHL, 15)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a0);
                    a1 = v1.lanewise(LSHL, 15)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a1);
                    a2 = v2.lanewise(LSHL, 15)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a2);
                    a3 = v3.lanewise(LSHL, 15)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a3);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 4));
                    b0 = v0.lanewise(LSHL, 7)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b0);
                    b1 = v1.lanewise(LSHL, 7)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b1);
                    b2 = v2.lanewise(LSHL, 7)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b2);
                    b3 = v3.lanewise(LSHL, 7)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b3);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 8));
                    a0 = v0.lanewise(LSHR, 1)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a0);
                    a1 = v1.lanewise(LSHR, 1)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a1);
                    a2 = v2.lanewise(LSHR, 1)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a2);
                    a3 = v3.lanewise(LSHR, 1)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a3);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 12));
                    b0 = v0.lanewise(LSHR, 9)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b0);
                    b1 = v1.lanewise(LSHR, 9)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b1);
                    b2 = v2.lanewise(LSHR, 9)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b2);
                    b3 = v3.lanewise(LSHR, 9)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b3);
                }
                FloatVector d0 = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                FloatVector d1 = ((IntVector)
                                ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane + HALF_BYTES, LITTLE_ENDIAN)
                                        .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                FloatVector d2 = ((IntVector) ShortVector.fromMemorySegment(
                                        S, MEMORY, group + 2 * lane + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                FloatVector d3 = ((IntVector) ShortVector.fromMemorySegment(
                                        S, MEMORY, group + 2 * lane + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                y0 = a0.add(b0).fma(d0, y0);
                y1 = a1.add(b1).fma(d1, y1);
                y2 = a2.add(b2).fma(d2, y2);
                y3 = a3.add(b3).fma(d3, y3);
                if (offsets) {
                    d0 = ((IntVector)
                                    ShortVector.fromMemorySegment(S, MEMORY, group + 2 * (PANEL + lane), LITTLE_ENDIAN)
                                            .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    d1 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    d2 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    d3 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    y0 = d0.fma(FloatVector.broadcast(F, total), y0);
                    y1 = d1.fma(FloatVector.broadcast(F, total), y1);
                    y2 = d2.fma(FloatVector.broadcast(F, total), y2);
                    y3 = d3.fma(FloatVector.broadcast(F, total), y3);
                }
            }
            y0.intoMemorySegment(MEMORY, y + 4 * lane, LITTLE_ENDIAN);
            y1.intoMemorySegment(MEMORY, y + 4 * lane + BYTES, LITTLE_ENDIAN);
            y2.intoMemorySegment(MEMORY, y + 4 * lane + 2 * BYTES, LITTLE_ENDIAN);
            y3.intoMemorySegment(MEMORY, y + 4 * lane + 3 * BYTES, LITTLE_ENDIAN);
        }
    }

    /// Four rows of x at once: weights are unpacked once for all.
    private static void bytesFourRows(long w, long groups, boolean offsets, long x, long sums, float start, long y) {
        long header = offsets ? 4 * PANEL : 2 * PANEL;
        long groupBytes = header + 32 * PANEL;
        long end = w + groupBytes * groups;
        long xRow = 4 * GROUP * groups;
        long sumRow = 4 * groups;
        for (long lane = 0; lane < PANEL; lane += 2 * LANES) {
            long at = x;
            long sum = sums;
            FloatVector y00 = FloatVector.zero(F);
            FloatVector y01 = FloatVector.zero(F);
            FloatVector y10 = FloatVector.zero(F);
            FloatVector y11 = FloatVector.zero(F);
            FloatVector y20 = FloatVector.zero(F);
            FloatVector y21 = FloatVector.zero(F);
            FloatVector y30 = FloatVector.zero(F);
            FloatVector y31 = FloatVector.zero(F);
            for (long group = w; group < end; group += groupBytes, sum += 4) {
                float total0 = MEMORY.get(FLOAT, sum);
                float total1 = MEMORY.get(FLOAT, sum + 1 * sumRow);
                float total2 = MEMORY.get(FLOAT, sum + 2 * sumRow);
                float total3 = MEMORY.get(FLOAT, sum + 3 * sumRow);
                FloatVector a00 = FloatVector.broadcast(F, start * total0);
                FloatVector a01 = FloatVector.broadcast(F, start * total0);
                FloatVector a10 = FloatVector.broadcast(F, start * total1);
                FloatVector a11 = FloatVector.broadcast(F, start * total1);
                FloatVector a20 = FloatVector.broadcast(F, start * total2);
                FloatVector a21 = FloatVector.broadcast(F, start * total2);
                FloatVector a30 = FloatVector.broadcast(F, start * total3);
                FloatVector a31 = FloatVector.broadcast(F, start * total3);
                long o = group + header + 4 * lane;
                long stop = o + 32 * PANEL;
                for (; o < stop; o += 4 * PANEL, at += 16) {
                    IntVector v0 = IntVector.fromMemorySegment(I, MEMORY, o, LITTLE_ENDIAN);
                    IntVector v1 = IntVector.fromMemorySegment(I, MEMORY, o + BYTES, LITTLE_ENDIAN);
                    FloatVector w0 = v0.lanewise(LSHL, 15).and(BYTE).or(ONE).reinterpretAsFloats();
                    FloatVector w1 = v1.lanewise(LSHL, 15).and(BYTE).or(ONE).reinterpretAsFloats();
                    FloatVector s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at));
                    a00 = w0.fma(s, a00);
                    a01 = w1.fma(s, a01);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow));
                    a10 = w0.fma(s, a10);
                    a11 = w1.fma(s, a11);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow));
                    a20 = w0.fma(s, a20);
                    a21 = w1.fma(s, a21);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow));
                    a30 = w0.fma(s, a30);
                    a31 = w1.fma(s, a31);
                    w0 = v0.lanewise(LSHL, 7).and(BYTE).or(ONE).reinterpretAsFloats();
                    w1 = v1.lanewise(LSHL, 7).and(BYTE).or(ONE).reinterpretAsFloats();
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 4));
                    a00 = w0.fma(s, a00);
                    a01 = w1.fma(s, a01);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow + 4));
                    a10 = w0.fma(s, a10);
                    a11 = w1.fma(s, a11);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow + 4));
                    a20 = w0.fma(s, a20);
                    a21 = w1.fma(s, a21);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow + 4));
                    a30 = w0.fma(s, a30);
                    a31 = w1.fma(s, a31);
                    w0 = v0.lanewise(LSHR, 1).and(BYTE).or(ONE).reinterpretAsFloats();
                    w1 = v1.lanewise(LSHR, 1).and(BYTE).or(ONE).reinterpretAsFloats();
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 8));
                    a00 = w0.fma(s, a00);
                    a01 = w1.fma(s, a01);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow + 8));
                    a10 = w0.fma(s, a10);
                    a11 = w1.fma(s, a11);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow + 8));
                    a20 = w0.fma(s, a20);
                    a21 = w1.fma(s, a21);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow + 8));
                    a30 = w0.fma(s, a30);
                    a31 = w1.fma(s, a31);
                    w0 = v0.lanewise(LSHR, 9).and(BYTE).or(ONE).reinterpretAsFloats();
                    w1 = v1.lanewise(LSHR, 9).and(BYTE).or(ONE).reinterpretAsFloats();
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 12));
                    a00 = w0.fma(s, a00);
                    a01 = w1.fma(s, a01);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow + 12));
                    a10 = w0.fma(s, a10);
                    a11 = w1.fma(s, a11);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow + 12));
                    a20 = w0.fma(s, a20);
                    a21 = w1.fma(s, a21);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow + 12));
                    a30 = w0.fma(s, a30);
                    a31 = w1.fma(s, a31);
                }
                FloatVector d0 = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                FloatVector d1 = ((IntVector)
                                ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane + HALF_BYTES, LITTLE_ENDIAN)
                                        .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                y00 = a00.fma(d0, y00);
                y01 = a01.fma(d1, y01);
                y10 = a10.fma(d0, y10);
                y11 = a11.fma(d1, y11);
                y20 = a20.fma(d0, y20);
                y21 = a21.fma(d1, y21);
                y30 = a30.fma(d0, y30);
                y31 = a31.fma(d1, y31);
                if (offsets) {
                    d0 = ((IntVector)
                                    ShortVector.fromMemorySegment(S, MEMORY, group + 2 * (PANEL + lane), LITTLE_ENDIAN)
                                            .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    d1 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    y00 = d0.fma(FloatVector.broadcast(F, total0), y00);
                    y01 = d1.fma(FloatVector.broadcast(F, total0), y01);
                    y10 = d0.fma(FloatVector.broadcast(F, total1), y10);
                    y11 = d1.fma(FloatVector.broadcast(F, total1), y11);
                    y20 = d0.fma(FloatVector.broadcast(F, total2), y20);
                    y21 = d1.fma(FloatVector.broadcast(F, total2), y21);
                    y30 = d0.fma(FloatVector.broadcast(F, total3), y30);
                    y31 = d1.fma(FloatVector.broadcast(F, total3), y31);
                }
            }
            y00.intoMemorySegment(MEMORY, y + 4 * lane, LITTLE_ENDIAN);
            y01.intoMemorySegment(MEMORY, y + 4 * lane + BYTES, LITTLE_ENDIAN);
            y10.intoMemorySegment(MEMORY, y + 4 * (lane + PANEL), LITTLE_ENDIAN);
            y11.intoMemorySegment(MEMORY, y + 4 * (lane + PANEL) + BYTES, LITTLE_ENDIAN);
            y20.intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PANEL), LITTLE_ENDIAN);
            y21.intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PANEL) + BYTES, LITTLE_ENDIAN);
            y30.intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PANEL), LITTLE_ENDIAN);
            y31.intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PANEL) + BYTES, LITTLE_ENDIAN);
        }
    }

    /// One row of x, 4 bits: 16 bits hold four neighbouring inputs of one output.
    private static void nibbles(long w, long groups, boolean offsets, long x, long sums, float start, long y) {
        long header = offsets ? 4 * PANEL : 2 * PANEL;
        long groupBytes = header + 16 * PANEL;
        long end = w + groupBytes * groups;
        for (long lane = 0; lane < PANEL; lane += 4 * LANES) {
            long at = x;
            long sum = sums;
            FloatVector y0 = FloatVector.zero(F);
            FloatVector y1 = FloatVector.zero(F);
            FloatVector y2 = FloatVector.zero(F);
            FloatVector y3 = FloatVector.zero(F);
            for (long group = w; group < end; group += groupBytes, sum += 4) {
                float total = MEMORY.get(FLOAT, sum);
                FloatVector a0 = FloatVector.broadcast(F, start * total);
                FloatVector a1 = FloatVector.broadcast(F, start * total);
                FloatVector a2 = FloatVector.broadcast(F, start * total);
                FloatVector a3 = FloatVector.broadcast(F, start * total);
                FloatVector b0 = FloatVector.zero(F);
                FloatVector b1 = FloatVector.zero(F);
                FloatVector b2 = FloatVector.zero(F);
                FloatVector b3 = FloatVector.zero(F);
                long o = group + header + 2 * lane;
                long stop = o + 16 * PANEL;
                for (; o < stop; o += 2 * PANEL, at += 16) {
                    IntVector v0 = (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0);
                    IntVector v1 = (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o + HALF_BYTES, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0);
                    IntVector v2 =
                            (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0);
                    IntVector v3 =
                            (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0);
                    FloatVector s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at));
                    a0 = v0.lanewise(LSHL, 19)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a0);
                    a1 = v1.lanewise(LSHL, 19)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a1);
                    a2 = v2.lanewise(LSHL, 19)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a2);
                    a3 = v3.lanewise(LSHL, 19)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a3);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 4));
                    b0 = v0.lanewise(LSHL, 15)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b0);
                    b1 = v1.lanewise(LSHL, 15)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b1);
                    b2 = v2.lanewise(LSHL, 15)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b2);
                    b3 = v3.lanewise(LSHL, 15)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b3);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 8));
                    a0 = v0.lanewise(LSHL, 11)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a0);
                    a1 = v1.lanewise(LSHL, 11)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a1);
                    a2 = v2.lanewise(LSHL, 11)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a2);
                    a3 = v3.lanewise(LSHL, 11)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, a3);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 12));
                    b0 = v0.lanewise(LSHL, 7)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b0);
                    b1 = v1.lanewise(LSHL, 7)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b1);
                    b2 = v2.lanewise(LSHL, 7)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b2);
                    b3 = v3.lanewise(LSHL, 7)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(s, b3);
                }
                FloatVector d0 = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                FloatVector d1 = ((IntVector)
                                ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane + HALF_BYTES, LITTLE_ENDIAN)
                                        .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                FloatVector d2 = ((IntVector) ShortVector.fromMemorySegment(
                                        S, MEMORY, group + 2 * lane + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                FloatVector d3 = ((IntVector) ShortVector.fromMemorySegment(
                                        S, MEMORY, group + 2 * lane + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                y0 = a0.add(b0).fma(d0, y0);
                y1 = a1.add(b1).fma(d1, y1);
                y2 = a2.add(b2).fma(d2, y2);
                y3 = a3.add(b3).fma(d3, y3);
                if (offsets) {
                    d0 = ((IntVector)
                                    ShortVector.fromMemorySegment(S, MEMORY, group + 2 * (PANEL + lane), LITTLE_ENDIAN)
                                            .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    d1 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    d2 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    d3 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    y0 = d0.fma(FloatVector.broadcast(F, total), y0);
                    y1 = d1.fma(FloatVector.broadcast(F, total), y1);
                    y2 = d2.fma(FloatVector.broadcast(F, total), y2);
                    y3 = d3.fma(FloatVector.broadcast(F, total), y3);
                }
            }
            y0.intoMemorySegment(MEMORY, y + 4 * lane, LITTLE_ENDIAN);
            y1.intoMemorySegment(MEMORY, y + 4 * lane + BYTES, LITTLE_ENDIAN);
            y2.intoMemorySegment(MEMORY, y + 4 * lane + 2 * BYTES, LITTLE_ENDIAN);
            y3.intoMemorySegment(MEMORY, y + 4 * lane + 3 * BYTES, LITTLE_ENDIAN);
        }
    }

    /// Four rows of x at once.
    private static void nibblesFourRows(long w, long groups, boolean offsets, long x, long sums, float start, long y) {
        long header = offsets ? 4 * PANEL : 2 * PANEL;
        long groupBytes = header + 16 * PANEL;
        long end = w + groupBytes * groups;
        long xRow = 4 * GROUP * groups;
        long sumRow = 4 * groups;
        for (long lane = 0; lane < PANEL; lane += 2 * LANES) {
            long at = x;
            long sum = sums;
            FloatVector y00 = FloatVector.zero(F);
            FloatVector y01 = FloatVector.zero(F);
            FloatVector y10 = FloatVector.zero(F);
            FloatVector y11 = FloatVector.zero(F);
            FloatVector y20 = FloatVector.zero(F);
            FloatVector y21 = FloatVector.zero(F);
            FloatVector y30 = FloatVector.zero(F);
            FloatVector y31 = FloatVector.zero(F);
            for (long group = w; group < end; group += groupBytes, sum += 4) {
                float total0 = MEMORY.get(FLOAT, sum);
                float total1 = MEMORY.get(FLOAT, sum + 1 * sumRow);
                float total2 = MEMORY.get(FLOAT, sum + 2 * sumRow);
                float total3 = MEMORY.get(FLOAT, sum + 3 * sumRow);
                FloatVector a00 = FloatVector.broadcast(F, start * total0);
                FloatVector a01 = FloatVector.broadcast(F, start * total0);
                FloatVector a10 = FloatVector.broadcast(F, start * total1);
                FloatVector a11 = FloatVector.broadcast(F, start * total1);
                FloatVector a20 = FloatVector.broadcast(F, start * total2);
                FloatVector a21 = FloatVector.broadcast(F, start * total2);
                FloatVector a30 = FloatVector.broadcast(F, start * total3);
                FloatVector a31 = FloatVector.broadcast(F, start * total3);
                long o = group + header + 2 * lane;
                long stop = o + 16 * PANEL;
                for (; o < stop; o += 2 * PANEL, at += 16) {
                    IntVector v0 = (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0);
                    IntVector v1 = (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o + HALF_BYTES, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0);
                    FloatVector w0 = v0.lanewise(LSHL, 19).and(NIBBLE).or(ONE).reinterpretAsFloats();
                    FloatVector w1 = v1.lanewise(LSHL, 19).and(NIBBLE).or(ONE).reinterpretAsFloats();
                    FloatVector s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at));
                    a00 = w0.fma(s, a00);
                    a01 = w1.fma(s, a01);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow));
                    a10 = w0.fma(s, a10);
                    a11 = w1.fma(s, a11);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow));
                    a20 = w0.fma(s, a20);
                    a21 = w1.fma(s, a21);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow));
                    a30 = w0.fma(s, a30);
                    a31 = w1.fma(s, a31);
                    w0 = v0.lanewise(LSHL, 15).and(NIBBLE).or(ONE).reinterpretAsFloats();
                    w1 = v1.lanewise(LSHL, 15).and(NIBBLE).or(ONE).reinterpretAsFloats();
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 4));
                    a00 = w0.fma(s, a00);
                    a01 = w1.fma(s, a01);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow + 4));
                    a10 = w0.fma(s, a10);
                    a11 = w1.fma(s, a11);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow + 4));
                    a20 = w0.fma(s, a20);
                    a21 = w1.fma(s, a21);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow + 4));
                    a30 = w0.fma(s, a30);
                    a31 = w1.fma(s, a31);
                    w0 = v0.lanewise(LSHL, 11).and(NIBBLE).or(ONE).reinterpretAsFloats();
                    w1 = v1.lanewise(LSHL, 11).and(NIBBLE).or(ONE).reinterpretAsFloats();
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 8));
                    a00 = w0.fma(s, a00);
                    a01 = w1.fma(s, a01);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow + 8));
                    a10 = w0.fma(s, a10);
                    a11 = w1.fma(s, a11);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow + 8));
                    a20 = w0.fma(s, a20);
                    a21 = w1.fma(s, a21);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow + 8));
                    a30 = w0.fma(s, a30);
                    a31 = w1.fma(s, a31);
                    w0 = v0.lanewise(LSHL, 7).and(NIBBLE).or(ONE).reinterpretAsFloats();
                    w1 = v1.lanewise(LSHL, 7).and(NIBBLE).or(ONE).reinterpretAsFloats();
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 12));
                    a00 = w0.fma(s, a00);
                    a01 = w1.fma(s, a01);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + xRow + 12));
                    a10 = w0.fma(s, a10);
                    a11 = w1.fma(s, a11);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 2 * xRow + 12));
                    a20 = w0.fma(s, a20);
                    a21 = w1.fma(s, a21);
                    s = FloatVector.broadcast(F, MEMORY.get(FLOAT, at + 3 * xRow + 12));
                    a30 = w0.fma(s, a30);
                    a31 = w1.fma(s, a31);
                }
                FloatVector d0 = ((IntVector) ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                FloatVector d1 = ((IntVector)
                                ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane + HALF_BYTES, LITTLE_ENDIAN)
                                        .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                y00 = a00.fma(d0, y00);
                y01 = a01.fma(d1, y01);
                y10 = a10.fma(d0, y10);
                y11 = a11.fma(d1, y11);
                y20 = a20.fma(d0, y20);
                y21 = a21.fma(d1, y21);
                y30 = a30.fma(d0, y30);
                y31 = a31.fma(d1, y31);
                if (offsets) {
                    d0 = ((IntVector)
                                    ShortVector.fromMemorySegment(S, MEMORY, group + 2 * (PANEL + lane), LITTLE_ENDIAN)
                                            .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    d1 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE);
                    y00 = d0.fma(FloatVector.broadcast(F, total0), y00);
                    y01 = d1.fma(FloatVector.broadcast(F, total0), y01);
                    y10 = d0.fma(FloatVector.broadcast(F, total1), y10);
                    y11 = d1.fma(FloatVector.broadcast(F, total1), y11);
                    y20 = d0.fma(FloatVector.broadcast(F, total2), y20);
                    y21 = d1.fma(FloatVector.broadcast(F, total2), y21);
                    y30 = d0.fma(FloatVector.broadcast(F, total3), y30);
                    y31 = d1.fma(FloatVector.broadcast(F, total3), y31);
                }
            }
            y00.intoMemorySegment(MEMORY, y + 4 * lane, LITTLE_ENDIAN);
            y01.intoMemorySegment(MEMORY, y + 4 * lane + BYTES, LITTLE_ENDIAN);
            y10.intoMemorySegment(MEMORY, y + 4 * (lane + PANEL), LITTLE_ENDIAN);
            y11.intoMemorySegment(MEMORY, y + 4 * (lane + PANEL) + BYTES, LITTLE_ENDIAN);
            y20.intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PANEL), LITTLE_ENDIAN);
            y21.intoMemorySegment(MEMORY, y + 4 * (lane + 2 * PANEL) + BYTES, LITTLE_ENDIAN);
            y30.intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PANEL), LITTLE_ENDIAN);
            y31.intoMemorySegment(MEMORY, y + 4 * (lane + 3 * PANEL) + BYTES, LITTLE_ENDIAN);
        }
    }
}
