package dev.lingyu.engine;

import java.security.SecureRandom;

/// Random numbers by counter: draw i of a stream is a pure function of (seed, sequence, i).
///
/// Nothing is carried from draw to draw, so what a sequence draws depends neither on the other sequences of
/// its batch nor on how often it was paused, moved or computed again. Philox4x32-10 (Salmon et al. 2011,
/// "Parallel random numbers: as easy as 1, 2, 3"), key = seed, counter = (draw, sequence).
///
/// @param seed any number
/// @param sequence number of the sequence among those of the same seed, such as the index of an answer
///     among n
public record RandomStream(long seed, long sequence) {
    private static final SecureRandom FRESH = new SecureRandom();
    private static final int MULTIPLIER_0 = 0xD2511F53;
    private static final int MULTIPLIER_1 = 0xCD9E8D57;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    /// A seed that nobody can guess, for requests that name none.
    public static long freshSeed() {
        return FRESH.nextLong();
    }

    /// Draw number `draw`: uniform in [0, 1), a multiple of 2^-53.
    public double uniform(long draw) {
        int[] block = philox((int) draw, (int) (draw >>> 32), (int) sequence, (int) (sequence >>> 32), (int) seed, (int)
                (seed >>> 32));
        long bits = ((long) block[1] << 32) | Integer.toUnsignedLong(block[0]);
        return (bits >>> 11) * 0x1.0p-53;
    }

    /// The block function: four words of counter and two of key to four random words.
    static int[] philox(int c0, int c1, int c2, int c3, int key0, int key1) {
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = Integer.toUnsignedLong(MULTIPLIER_0) * Integer.toUnsignedLong(c0);
            long product1 = Integer.toUnsignedLong(MULTIPLIER_1) * Integer.toUnsignedLong(c2);
            c0 = (int) (product1 >>> 32) ^ c1 ^ key0;
            c1 = (int) product1;
            c2 = (int) (product0 >>> 32) ^ c3 ^ key1;
            c3 = (int) product0;
            key0 += WEYL_0;
            key1 += WEYL_1;
        }
        return new int[] {c0, c1, c2, c3};
    }
}
