package dev.lingyu.tensor.gguf;

/// Blocks of 32 values with one scale d, some with a minimum m: `x = d · (q − offset)` or `x = d · q + m`.
///
/// Four-bit codes lie two in a byte: the low halves are the first 16 values, the high halves the last 16. The
/// fifth bits of Q5 lie in a word of their own.
final class SmallBlocks {
    static final int SIZE = 32;
    private static final int HALF = SIZE / 2;

    /// The 16 levels of IQ4_NL and IQ4_XS.
    static final float[] LEVELS = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private SmallBlocks() {}

    static void q4x0(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 18, y += SIZE) {
            float d = PlainBlocks.half(from, at);
            for (int j = 0; j < HALF; j++) {
                int q = from[at + 2 + j];
                to[y + j] = ((q & 15) - 8) * d;
                to[y + HALF + j] = ((q >> 4 & 15) - 8) * d;
            }
        }
    }

    static void q4x1(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 20, y += SIZE) {
            float d = PlainBlocks.half(from, at);
            float m = PlainBlocks.half(from, at + 2);
            for (int j = 0; j < HALF; j++) {
                int q = from[at + 4 + j];
                to[y + j] = (q & 15) * d + m;
                to[y + HALF + j] = (q >> 4 & 15) * d + m;
            }
        }
    }

    static void q5x0(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 22, y += SIZE) {
            float d = PlainBlocks.half(from, at);
            int high = PlainBlocks.word(from, at + 2);
            for (int j = 0; j < HALF; j++) {
                int q = from[at + 6 + j];
                to[y + j] = ((q & 15 | (high >>> j & 1) << 4) - 16) * d;
                to[y + HALF + j] = ((q >> 4 & 15 | (high >>> j + HALF & 1) << 4) - 16) * d;
            }
        }
    }

    static void q5x1(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 24, y += SIZE) {
            float d = PlainBlocks.half(from, at);
            float m = PlainBlocks.half(from, at + 2);
            int high = PlainBlocks.word(from, at + 4);
            for (int j = 0; j < HALF; j++) {
                int q = from[at + 8 + j];
                to[y + j] = (q & 15 | (high >>> j & 1) << 4) * d + m;
                to[y + HALF + j] = (q >> 4 & 15 | (high >>> j + HALF & 1) << 4) * d + m;
            }
        }
    }

    static void q8x0(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 34, y += SIZE) {
            float d = PlainBlocks.half(from, at);
            for (int j = 0; j < SIZE; j++) {
                to[y + j] = from[at + 2 + j] * d;
            }
        }
    }

    static void iq4nl(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 18, y += SIZE) {
            levels(from, at + 2, PlainBlocks.half(from, at), to, y);
        }
    }

    /// 32 values whose codes name levels.
    static void levels(byte[] from, int at, float d, float[] to, int y) {
        for (int j = 0; j < HALF; j++) {
            int q = from[at + j];
            to[y + j] = d * LEVELS[q & 15];
            to[y + HALF + j] = d * LEVELS[q >> 4 & 15];
        }
    }
}
