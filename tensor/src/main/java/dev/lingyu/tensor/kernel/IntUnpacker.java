package dev.lingyu.tensor.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Unpacks panels of 8-bit or 4-bit weights ([QuantizedMatrix]'s) to panels of bf16 ([PackedMatrix]'s).
///
/// Numbers become f32 as in [IntPanels]: `(1 + u · 2⁻ᵇ) · scale · 2ᵇ + zero`; then the nearest bf16, halves away from
/// 0.
final class IntUnpacker {
    private static final int PANEL = PackedMatrix.PANEL;
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int LANES = F.length();
    private static final long BYTES = F.vectorByteSize();
    private static final long HALF_BYTES = BYTES / 2;
    private static final int UPPER = 0xFFFF0000;
    private static final int ONE = IntPanels.ONE;
    private static final int BYTE = IntPanels.BYTE;
    private static final int NIBBLE = IntPanels.NIBBLE;
    private static final int HALF_BITS = IntPanels.HALF_BITS;
    private static final float OFFSET_SCALE = IntPanels.OFFSET_SCALE;
    private static final float BYTE_SCALE = IntPanels.BYTE_SCALE;
    private static final float NIBBLE_SCALE = IntPanels.NIBBLE_SCALE;

    private IntUnpacker() {}

    /// Unpacks one panel.
    ///
    /// @param w      address of the panel
    /// @param groups groups of 32 inputs
    /// @param to     address of bf16 `[16 · groups][64][2]`, written
    static void toBf16(Quantization method, long w, long groups, long to) {
        if (method.bits() == 8) {
            bytes(w, groups, method.asymmetric(), to);
        } else {
            nibbles(w, groups, method.asymmetric(), to);
        }
    }

    private static void bytes(long w, long groups, boolean offsets, long to) {
        long header = offsets ? 4 * PANEL : 2 * PANEL;
        long groupBytes = header + 32 * PANEL;
        long end = w + groupBytes * groups;
        for (long lane = 0; lane < PANEL; lane += 4 * LANES) {
            long target = to + 4 * lane;
            for (long group = w; group < end; group += groupBytes) {
                FloatVector scale0 = ((IntVector)
                                ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane, LITTLE_ENDIAN)
                                        .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                FloatVector scale1 = ((IntVector)
                                ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane + HALF_BYTES, LITTLE_ENDIAN)
                                        .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                FloatVector scale2 = ((IntVector) ShortVector.fromMemorySegment(
                                        S, MEMORY, group + 2 * lane + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                FloatVector scale3 = ((IntVector) ShortVector.fromMemorySegment(
                                        S, MEMORY, group + 2 * lane + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(BYTE_SCALE);
                FloatVector zero0 = scale0.mul(-1.5f);
                FloatVector zero1 = scale1.mul(-1.5f);
                FloatVector zero2 = scale2.mul(-1.5f);
                FloatVector zero3 = scale3.mul(-1.5f);
                if (offsets) {
                    zero0 = ((IntVector)
                                    ShortVector.fromMemorySegment(S, MEMORY, group + 2 * (PANEL + lane), LITTLE_ENDIAN)
                                            .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE)
                            .sub(scale0);
                    zero1 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE)
                            .sub(scale1);
                    zero2 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE)
                            .sub(scale2);
                    zero3 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE)
                            .sub(scale3);
                }
                long o = group + header + 4 * lane;
                long stop = o + 32 * PANEL;
                for (; o < stop; o += 4 * PANEL, target += 8 * PANEL) {
                    IntVector v = IntVector.fromMemorySegment(I, MEMORY, o, LITTLE_ENDIAN);
                    IntVector w0 = v.lanewise(LSHL, 15)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale0, zero0)
                            .reinterpretAsInts()
                            .add(0x8000);
                    IntVector w1 = v.lanewise(LSHL, 7)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale0, zero0)
                            .reinterpretAsInts()
                            .add(0x8000);
                    IntVector w2 = v.lanewise(LSHR, 1)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale0, zero0)
                            .reinterpretAsInts()
                            .add(0x8000);
                    IntVector w3 = v.lanewise(LSHR, 9)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale0, zero0)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w0.lanewise(LSHR, 16).or(w1.and(UPPER)).intoMemorySegment(MEMORY, target, LITTLE_ENDIAN);
                    w2.lanewise(LSHR, 16)
                            .or(w3.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 4 * PANEL, LITTLE_ENDIAN);
                    v = IntVector.fromMemorySegment(I, MEMORY, o + BYTES, LITTLE_ENDIAN);
                    w0 = v.lanewise(LSHL, 15)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale1, zero1)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w1 = v.lanewise(LSHL, 7)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale1, zero1)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w2 = v.lanewise(LSHR, 1)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale1, zero1)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w3 = v.lanewise(LSHR, 9)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale1, zero1)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w0.lanewise(LSHR, 16).or(w1.and(UPPER)).intoMemorySegment(MEMORY, target + BYTES, LITTLE_ENDIAN);
                    w2.lanewise(LSHR, 16)
                            .or(w3.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 4 * PANEL + BYTES, LITTLE_ENDIAN);
                    v = IntVector.fromMemorySegment(I, MEMORY, o + 2 * BYTES, LITTLE_ENDIAN);
                    w0 = v.lanewise(LSHL, 15)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale2, zero2)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w1 = v.lanewise(LSHL, 7)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale2, zero2)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w2 = v.lanewise(LSHR, 1)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale2, zero2)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w3 = v.lanewise(LSHR, 9)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale2, zero2)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w0.lanewise(LSHR, 16)
                            .or(w1.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 2 * BYTES, LITTLE_ENDIAN);
                    w2.lanewise(LSHR, 16)
                            .or(w3.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 4 * PANEL + 2 * BYTES, LITTLE_ENDIAN);
                    v = IntVector.fromMemorySegment(I, MEMORY, o + 3 * BYTES, LITTLE_ENDIAN);
                    w0 = v.lanewise(LSHL, 15)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale3, zero3)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w1 = v.lanewise(LSHL, 7)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale3, zero3)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w2 = v.lanewise(LSHR, 1)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale3, zero3)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w3 = v.lanewise(LSHR, 9)
                            .and(BYTE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale3, zero3)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w0.lanewise(LSHR, 16)
                            .or(w1.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 3 * BYTES, LITTLE_ENDIAN);
                    w2.lanewise(LSHR, 16)
                            .or(w3.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 4 * PANEL + 3 * BYTES, LITTLE_ENDIAN);
                }
            }
        }
    }

    private static void nibbles(long w, long groups, boolean offsets, long to) {
        long header = offsets ? 4 * PANEL : 2 * PANEL;
        long groupBytes = header + 16 * PANEL;
        long end = w + groupBytes * groups;
        for (long lane = 0; lane < PANEL; lane += 4 * LANES) {
            long target = to + 4 * lane;
            for (long group = w; group < end; group += groupBytes) {
                FloatVector scale0 = ((IntVector)
                                ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane, LITTLE_ENDIAN)
                                        .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                FloatVector scale1 = ((IntVector)
                                ShortVector.fromMemorySegment(S, MEMORY, group + 2 * lane + HALF_BYTES, LITTLE_ENDIAN)
                                        .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                FloatVector scale2 = ((IntVector) ShortVector.fromMemorySegment(
                                        S, MEMORY, group + 2 * lane + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                FloatVector scale3 = ((IntVector) ShortVector.fromMemorySegment(
                                        S, MEMORY, group + 2 * lane + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                .convertShape(S2I, I, 0))
                        .lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(NIBBLE_SCALE);
                FloatVector zero0 = scale0.mul(-1.5f);
                FloatVector zero1 = scale1.mul(-1.5f);
                FloatVector zero2 = scale2.mul(-1.5f);
                FloatVector zero3 = scale3.mul(-1.5f);
                if (offsets) {
                    zero0 = ((IntVector)
                                    ShortVector.fromMemorySegment(S, MEMORY, group + 2 * (PANEL + lane), LITTLE_ENDIAN)
                                            .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE)
                            .sub(scale0);
                    zero1 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE)
                            .sub(scale1);
                    zero2 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + 2 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE)
                            .sub(scale2);
                    zero3 = ((IntVector) ShortVector.fromMemorySegment(
                                            S, MEMORY, group + 2 * (PANEL + lane) + 3 * HALF_BYTES, LITTLE_ENDIAN)
                                    .convertShape(S2I, I, 0))
                            .lanewise(LSHL, 16)
                            .lanewise(ASHR, 3)
                            .and(HALF_BITS)
                            .reinterpretAsFloats()
                            .mul(OFFSET_SCALE)
                            .sub(scale3);
                }
                long o = group + header + 2 * lane;
                long stop = o + 16 * PANEL;
                for (; o < stop; o += 2 * PANEL, target += 8 * PANEL) {
                    IntVector v = (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0);
                    IntVector w0 = v.lanewise(LSHL, 19)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale0, zero0)
                            .reinterpretAsInts()
                            .add(0x8000);
                    IntVector w1 = v.lanewise(LSHL, 15)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale0, zero0)
                            .reinterpretAsInts()
                            .add(0x8000);
                    IntVector w2 = v.lanewise(LSHL, 11)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale0, zero0)
                            .reinterpretAsInts()
                            .add(0x8000);
                    IntVector w3 = v.lanewise(LSHL, 7)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale0, zero0)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w0.lanewise(LSHR, 16).or(w1.and(UPPER)).intoMemorySegment(MEMORY, target, LITTLE_ENDIAN);
                    w2.lanewise(LSHR, 16)
                            .or(w3.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 4 * PANEL, LITTLE_ENDIAN);
                    v = (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o + HALF_BYTES, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0);
                    w0 = v.lanewise(LSHL, 19)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale1, zero1)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w1 = v.lanewise(LSHL, 15)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale1, zero1)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w2 = v.lanewise(LSHL, 11)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale1, zero1)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w3 = v.lanewise(LSHL, 7)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale1, zero1)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w0.lanewise(LSHR, 16).or(w1.and(UPPER)).intoMemorySegment(MEMORY, target + BYTES, LITTLE_ENDIAN);
                    w2.lanewise(LSHR, 16)
                            .or(w3.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 4 * PANEL + BYTES, LITTLE_ENDIAN);
                    v = (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o + 2 * HALF_BYTES, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0);
                    w0 = v.lanewise(LSHL, 19)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale2, zero2)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w1 = v.lanewise(LSHL, 15)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale2, zero2)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w2 = v.lanewise(LSHL, 11)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale2, zero2)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w3 = v.lanewise(LSHL, 7)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale2, zero2)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w0.lanewise(LSHR, 16)
                            .or(w1.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 2 * BYTES, LITTLE_ENDIAN);
                    w2.lanewise(LSHR, 16)
                            .or(w3.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 4 * PANEL + 2 * BYTES, LITTLE_ENDIAN);
                    v = (IntVector) ShortVector.fromMemorySegment(S, MEMORY, o + 3 * HALF_BYTES, LITTLE_ENDIAN)
                            .convertShape(S2I, I, 0);
                    w0 = v.lanewise(LSHL, 19)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale3, zero3)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w1 = v.lanewise(LSHL, 15)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale3, zero3)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w2 = v.lanewise(LSHL, 11)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale3, zero3)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w3 = v.lanewise(LSHL, 7)
                            .and(NIBBLE)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(scale3, zero3)
                            .reinterpretAsInts()
                            .add(0x8000);
                    w0.lanewise(LSHR, 16)
                            .or(w1.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 3 * BYTES, LITTLE_ENDIAN);
                    w2.lanewise(LSHR, 16)
                            .or(w3.and(UPPER))
                            .intoMemorySegment(MEMORY, target + 4 * PANEL + 3 * BYTES, LITTLE_ENDIAN);
                }
            }
        }
    }
}
