package dev.lingyu.tensor.gguf;

/// "K" blocks of 256 values: one or two f16 scales for all, and a small integer scale (and minimum) for each
/// 16 or 32 of them.
final class SuperBlocks {
    static final int SIZE = 256;

    private SuperBlocks() {}

    /// Scale and minimum of 4 bits for each 16 values; codes of 2 bits, those of 128 values in 32 bytes.
    static void q2k(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 84) {
            float d = PlainBlocks.half(from, at + 80);
            float dmin = PlainBlocks.half(from, at + 82);
            int scale = at;
            for (int half = 0, q = at + 16; half < 2; half++, q += 32) {
                for (int shift = 0; shift < 8; shift += 2) {
                    for (int part = 0; part < 32; part += 16, scale++, y += 16) {
                        float dl = d * (from[scale] & 15);
                        float ml = dmin * (from[scale] >> 4 & 15);
                        for (int l = 0; l < 16; l++) {
                            to[y + l] = dl * (from[q + part + l] >> shift & 3) - ml;
                        }
                    }
                }
            }
        }
    }

    /// Scales of 6 bits for each 16 values; codes of 3 bits, the third in a mask of its own.
    static void q3k(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 110) {
            float d = PlainBlocks.half(from, at + 108);
            int scale = 0;
            for (int half = 0, q = at + 32; half < 2; half++, q += 32) {
                for (int j = 0; j < 4; j++) {
                    int bit = 4 * half + j;
                    for (int part = 0; part < 32; part += 16, scale++, y += 16) {
                        float dl = d * (q3scale(from, at + 96, scale) - 32);
                        for (int l = 0; l < 16; l++) {
                            int high = (from[at + part + l] >> bit & 1) == 1 ? 0 : 4;
                            to[y + l] = dl * ((from[q + part + l] >> 2 * j & 3) - high);
                        }
                    }
                }
            }
        }
    }

    /// The low 4 bits of 16 scales fill 8 bytes, their high 2 bits the next 4.
    private static int q3scale(byte[] from, int at, int scale) {
        int low = from[at + scale % 8] >> (scale < 8 ? 0 : 4) & 15;
        int high = from[at + 8 + scale % 4] >> 2 * (scale / 4) & 3;
        return low | high << 4;
    }

    /// Scale and minimum of 6 bits for each 32 values; codes of 4 bits.
    static void q4k(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 144) {
            float d = PlainBlocks.half(from, at);
            float dmin = PlainBlocks.half(from, at + 2);
            for (int pair = 0, q = at + 16; pair < 8; pair += 2, q += 32, y += 64) {
                float d1 = d * scale(from, at + 4, pair);
                float m1 = dmin * minimum(from, at + 4, pair);
                float d2 = d * scale(from, at + 4, pair + 1);
                float m2 = dmin * minimum(from, at + 4, pair + 1);
                for (int l = 0; l < 32; l++) {
                    to[y + l] = d1 * (from[q + l] & 15) - m1;
                    to[y + 32 + l] = d2 * (from[q + l] >> 4 & 15) - m2;
                }
            }
        }
    }

    /// As Q4_K, with a fifth bit in 32 bytes of their own.
    static void q5k(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 176) {
            float d = PlainBlocks.half(from, at);
            float dmin = PlainBlocks.half(from, at + 2);
            int high = at + 16;
            for (int pair = 0, q = at + 48; pair < 8; pair += 2, q += 32, y += 64) {
                float d1 = d * scale(from, at + 4, pair);
                float m1 = dmin * minimum(from, at + 4, pair);
                float d2 = d * scale(from, at + 4, pair + 1);
                float m2 = dmin * minimum(from, at + 4, pair + 1);
                for (int l = 0; l < 32; l++) {
                    int bits = from[high + l] >> pair;
                    to[y + l] = d1 * (from[q + l] & 15 | (bits & 1) << 4) - m1;
                    to[y + 32 + l] = d2 * (from[q + l] >> 4 & 15 | (bits >> 1 & 1) << 4) - m2;
                }
            }
        }
    }

    /// Scales of 8 bits for each 16 values; codes of 6 bits: 4 in one place, 2 in another.
    static void q6k(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 210) {
            float d = PlainBlocks.half(from, at + 208);
            for (int half = 0; half < 2; half++, y += 128) {
                int low = at + 64 * half;
                int high = at + 128 + 32 * half;
                for (int part = 0; part < 2; part++) {
                    int scale = at + 192 + 8 * half + part;
                    float d1 = d * from[scale];
                    float d2 = d * from[scale + 2];
                    float d3 = d * from[scale + 4];
                    float d4 = d * from[scale + 6];
                    for (int l = 16 * part; l < 16 * part + 16; l++) {
                        int a = from[low + l];
                        int b = from[low + 32 + l];
                        int h = from[high + l];
                        to[y + l] = d1 * ((a & 15 | (h & 3) << 4) - 32);
                        to[y + 32 + l] = d2 * ((b & 15 | (h >> 2 & 3) << 4) - 32);
                        to[y + 64 + l] = d3 * ((a >> 4 & 15 | (h >> 4 & 3) << 4) - 32);
                        to[y + 96 + l] = d4 * ((b >> 4 & 15 | (h >> 6 & 3) << 4) - 32);
                    }
                }
            }
        }
    }

    /// Scales of 6 bits for each 32 values, whose codes name levels.
    static void iq4xs(byte[] from, float[] to, int blocks) {
        for (int block = 0, at = 0, y = 0; block < blocks; block++, at += 136) {
            float d = PlainBlocks.half(from, at);
            for (int part = 0; part < 8; part++, y += 32) {
                int low = from[at + 4 + part / 2] >> 4 * (part % 2) & 15;
                int high = from[at + 2 + part / 4] >> 2 * (part % 4) & 3;
                float dl = d * ((low | high << 4) - 32);
                SmallBlocks.levels(from, at + 8 + 16 * part, dl, to, y);
            }
        }
    }

    /// Eight scales and eight minima of 6 bits in 12 bytes: the first four of each take the low 6 bits of a
    /// byte, the last four share bytes, their high 2 bits lying above those of the first four.
    private static int scale(byte[] from, int at, int j) {
        return j < 4 ? from[at + j] & 63 : from[at + j + 4] & 15 | (from[at + j - 4] >> 6 & 3) << 4;
    }

    private static int minimum(byte[] from, int at, int j) {
        return j < 4 ? from[at + j + 4] & 63 : from[at + j + 4] >> 4 & 15 | (from[at + j] >> 6 & 3) << 4;
    }
}
