package dev.lingyu.tensor.gguf;

import dev.lingyu.tensor.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// How a GGUF tensor stores its values: plain, or in blocks of 32 or 256 values that share scales.
///
/// A block's bytes unpack to float exactly as llama.cpp's `dequantize_row_*` does it: products and sums are
/// rounded one by one, in the same order.
public enum GgufType {
    F32(0, 1, 4, PlainBlocks::f32),
    F16(1, 1, 2, PlainBlocks::f16),
    BF16(30, 1, 2, PlainBlocks::bf16),
    Q4_0(2, 32, 18, SmallBlocks::q4x0),
    Q4_1(3, 32, 20, SmallBlocks::q4x1),
    Q5_0(6, 32, 22, SmallBlocks::q5x0),
    Q5_1(7, 32, 24, SmallBlocks::q5x1),
    Q8_0(8, 32, 34, SmallBlocks::q8x0),
    Q2_K(10, 256, 84, SuperBlocks::q2k),
    Q3_K(11, 256, 110, SuperBlocks::q3k),
    Q4_K(12, 256, 144, SuperBlocks::q4k),
    Q5_K(13, 256, 176, SuperBlocks::q5k),
    Q6_K(14, 256, 210, SuperBlocks::q6k),
    IQ4_NL(20, 32, 18, SmallBlocks::iq4nl),
    IQ4_XS(23, 256, 136, SuperBlocks::iq4xs);

    /// Types that exist and are not read here, for messages.
    private static final Map<Integer, String> OTHERS = Map.ofEntries(
            Map.entry(9, "Q8_1"),
            Map.entry(15, "Q8_K"),
            Map.entry(16, "IQ2_XXS"),
            Map.entry(17, "IQ2_XS"),
            Map.entry(18, "IQ3_XXS"),
            Map.entry(19, "IQ1_S"),
            Map.entry(21, "IQ3_S"),
            Map.entry(22, "IQ2_S"),
            Map.entry(24, "I8"),
            Map.entry(25, "I16"),
            Map.entry(26, "I32"),
            Map.entry(27, "I64"),
            Map.entry(28, "F64"),
            Map.entry(29, "IQ1_M"),
            Map.entry(34, "TQ1_0"),
            Map.entry(35, "TQ2_0"),
            Map.entry(39, "MXFP4"));

    /// Turns consecutive blocks into floats.
    @FunctionalInterface
    interface Unpack {
        /// @param from   the blocks' bytes, the first at index 0
        /// @param to     where the values go, the first at index 0
        /// @param blocks how many
        void run(byte[] from, float[] to, int blocks);
    }

    private final int id;
    private final int blockSize;
    private final int blockBytes;
    private final Unpack unpack;

    GgufType(int id, int blockSize, int blockBytes, Unpack unpack) {
        this.id = id;
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
        this.unpack = unpack;
    }

    /// The number that stands for it in files.
    public int id() {
        return id;
    }

    /// Values per block.
    public int blockSize() {
        return blockSize;
    }

    /// Bytes per block.
    public int blockBytes() {
        return blockBytes;
    }

    /// Bytes of so many values, a multiple of the block size.
    ///
    /// @throws ArithmeticException when that is more than a `long` holds
    public long bytes(long values) {
        return Math.multiplyExact(values / blockSize, (long) blockBytes);
    }

    /// The tensor type with the same bytes, where the values are plain.
    public Optional<DType> plain() {
        return switch (this) {
            case F32 -> Optional.of(DType.F32);
            case F16 -> Optional.of(DType.F16);
            case BF16 -> Optional.of(DType.BF16);
            default -> Optional.empty();
        };
    }

    /// Unpacks consecutive blocks.
    ///
    /// @param from   the blocks' bytes, the first at index 0
    /// @param to     where the values go, the first at index 0
    /// @param blocks how many
    public void unpack(byte[] from, float[] to, int blocks) {
        unpack.run(from, to, blocks);
    }

    /// The type of a number in a file; empty where this program can't read it.
    public static Optional<GgufType> of(int id) {
        return Arrays.stream(values()).filter(type -> type.id == id).findFirst();
    }

    /// What to call a number of a type in a message.
    static String nameOf(int id) {
        return of(id).map(Enum::name).orElseGet(() -> OTHERS.getOrDefault(id, "number " + Integer.toUnsignedLong(id)));
    }

    /// All names, for messages.
    static String names() {
        return Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "));
    }
}
