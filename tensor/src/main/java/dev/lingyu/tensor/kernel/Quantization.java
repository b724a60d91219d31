package dev.lingyu.tensor.kernel;

import org.jspecify.annotations.Nullable;

/// How weights are rounded: in groups of 32 neighbouring inputs, each with a scale (and an offset) in f16.
///
/// Symmetric numbers are `d · (u − 2ᵇ⁻¹)`, asymmetric ones `d · u + m`, with u a whole number of b bits. Rounding
/// follows llama.cpp's `Q8_0`, `Q4_0` and `Q4_1`; the asymmetric one of 8 bits is made alike.
public enum Quantization {
    /// 8 bits, symmetric: 8.5 bits per weight with the scale.
    INT8("int8", 8, false),
    /// 8 bits with an offset: 9 bits per weight.
    INT8_ASYMMETRIC("int8-asymmetric", 8, true),
    /// 4 bits, symmetric: 4.5 bits per weight.
    INT4("int4", 4, false),
    /// 4 bits with an offset: 5 bits per weight.
    INT4_ASYMMETRIC("int4-asymmetric", 4, true);

    private final String label;
    private final int bits;
    private final boolean asymmetric;

    Quantization(String label, int bits, boolean asymmetric) {
        this.label = label;
        this.bits = bits;
        this.asymmetric = asymmetric;
    }

    /// The name in commands and files, such as `int8`.
    public String label() {
        return label;
    }

    /// Bits of a weight.
    public int bits() {
        return bits;
    }

    /// Whether a group has an offset beside its scale.
    public boolean asymmetric() {
        return asymmetric;
    }

    /// The one of a name, or null where there is none.
    public static @Nullable Quantization of(String label) {
        for (Quantization each : values()) {
            if (each.label.equals(label)) {
                return each;
            }
        }
        return null;
    }

    /// Bytes of a group in a file: scale, offset, numbers.
    public int blockBytes() {
        return (asymmetric ? 4 : 2) + QuantizedMatrix.GROUP * bits / 8;
    }

    @Override
    public String toString() {
        return label;
    }

    /// Rounds one group.
    ///
    /// @param x       32 values from `at` on
    /// @param numbers receives 32 whole numbers of [#bits] bits
    /// @return scale in the low half, offset in the high half, both f16
    int round(float[] x, int at, int[] numbers) {
        return asymmetric ? withOffset(x, at, numbers) : symmetric(x, at, numbers);
    }

    private int withOffset(float[] x, int at, int[] numbers) {
        float least = Float.POSITIVE_INFINITY;
        float most = Float.NEGATIVE_INFINITY;
        for (int i = at; i < at + numbers.length; i++) {
            least = Math.min(least, x[i]);
            most = Math.max(most, x[i]);
        }
        int top = (1 << bits) - 1;
        float scale = (most - least) / top;
        float inverse = scale == 0 ? 0 : 1 / scale;
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Math.min(top, (int) ((x[at + i] - least) * inverse + 0.5f));
        }
        return Float.floatToFloat16(scale) & 0xFFFF | Float.floatToFloat16(least) << 16;
    }

    private int symmetric(float[] x, int at, int[] numbers) {
        float farthest = 0;
        for (int i = at; i < at + numbers.length; i++) {
            farthest = Math.abs(x[i]) > Math.abs(farthest) ? x[i] : farthest;
        }
        // 8 bits: −127 … 127, ties away from zero. 4 bits: the farthest becomes −8, so that all 16 numbers are used.
        float scale = bits == 8 ? Math.abs(farthest) / 127 : farthest / -8;
        float inverse = scale == 0 ? 0 : 1 / scale;
        for (int i = 0; i < numbers.length; i++) {
            float scaled = x[at + i] * inverse;
            numbers[i] = bits == 8 ? 128 + awayFromZero(scaled) : Math.min(15, (int) (scaled + 8.5f));
        }
        return Float.floatToFloat16(scale) & 0xFFFF;
    }

    private static int awayFromZero(float value) {
        int whole = (int) value;
        float rest = value - whole;
        return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
    }
}
