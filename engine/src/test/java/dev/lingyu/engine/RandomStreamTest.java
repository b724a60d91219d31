package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RandomStreamTest {
    /// The vectors that come with the authors' library (Random123, kat_vectors, philox4x32 with 10 rounds).
    @Test
    void theBlockFunctionGivesItsAuthorsKnownAnswers() {
        assertThat(RandomStream.philox(0, 0, 0, 0, 0, 0))
                .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
        assertThat(RandomStream.philox(-1, -1, -1, -1, -1, -1))
                .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
        assertThat(RandomStream.philox(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0))
                .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
    }

    @Test
    void drawsAreUniformInTheUnitInterval() {
        RandomStream stream = new RandomStream(42, 0);
        int[] buckets = new int[16];
        int draws = 160_000;
        for (int i = 0; i < draws; i++) {
            double u = stream.uniform(i);
            assertThat(u >= 0 && u < 1).isTrue();
            buckets[(int) (u * 16)]++;
        }
        double chiSquare = 0;
        for (int bucket : buckets) {
            double off = bucket - draws / 16.0;
            chiSquare += off * off / (draws / 16.0);
        }
        // 15 degrees of freedom: above 44.3 once in ten thousand.
        assertThat(chiSquare).isLessThan(44.3);
    }

    @Test
    void seedsSequencesAndDrawsAllGiveOtherNumbers() {
        Set<Double> seen = new HashSet<>();
        for (long seed : new long[] {0, 1, -1, 1L << 40}) {
            for (long sequence : new long[] {0, 1, 1L << 33}) {
                for (long draw : new long[] {0, 1, 1L << 35}) {
                    seen.add(new RandomStream(seed, sequence).uniform(draw));
                }
            }
        }
        assertThat(seen).hasSize(4 * 3 * 3);
    }
}
