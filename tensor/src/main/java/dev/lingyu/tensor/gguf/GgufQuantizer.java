package dev.lingyu.tensor.gguf;

/// Rounds floats to blocks, by the formulas of llama.cpp's reference (`quantize_row_q8_0_ref`, `q4_0_ref`).
final class GgufQuantizer {
    private static final int SIZE = SmallBlocks.SIZE;

    private GgufQuantizer() {}

    /// Whether [#quantize] knows a type.
    static boolean knows(GgufType type) {
        return type == GgufType.Q8_0 || type == GgufType.Q4_0;
    }

    /// Rounds consecutive blocks.
    ///
    /// @param from the values, the first at index 0
    /// @param to   where the blocks' bytes go
    static void quantize(GgufType type, float[] from, byte[] to, int blocks) {
        for (int block = 0; block < blocks; block++) {
            if (type == GgufType.Q8_0) {
                q8(from, block * SIZE, to, block * 34);
            } else if (type == GgufType.Q4_0) {
                q4(from, block * SIZE, to, block * 18);
            } else {
                throw new IllegalArgumentException("nothing is quantised to " + type + " here");
            }
        }
    }

    /// `d = max|x| / 127`, `q = round(x / d)`, halves away from zero.
    private static void q8(float[] x, int begin, byte[] to, int at) {
        float largest = 0;
        for (int j = 0; j < SIZE; j++) {
            largest = Math.max(largest, Math.abs(x[begin + j]));
        }
        float d = largest / 127;
        float inverse = d == 0 ? 0 : 1 / d;
        PlainBlocks.putHalf(to, at, d);
        for (int j = 0; j < SIZE; j++) {
            to[at + 2 + j] = (byte) awayFromZero(x[begin + j] * inverse);
        }
    }

    private static int awayFromZero(float value) {
        // Exact: |value| ≤ 127.
        int whole = (int) value;
        float rest = value - whole;
        return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
    }

    /// `d = m / −8` with m the value farthest from zero, `q = ⌊x / d + 8.5⌋`, at most 15.
    private static void q4(float[] x, int begin, byte[] to, int at) {
        float largest = 0;
        float signed = 0;
        for (int j = 0; j < SIZE; j++) {
            float value = x[begin + j];
            if (Math.abs(value) > largest) {
                largest = Math.abs(value);
                signed = value;
            }
        }
        float d = signed / -8;
        float inverse = d == 0 ? 0 : 1 / d;
        PlainBlocks.putHalf(to, at, d);
        for (int j = 0; j < SIZE / 2; j++) {
            int low = Math.min(15, (int) (x[begin + j] * inverse + 8.5f));
            int high = Math.min(15, (int) (x[begin + SIZE / 2 + j] * inverse + 8.5f));
            to[at + 2 + j] = (byte) (low | high << 4);
        }
    }
}
