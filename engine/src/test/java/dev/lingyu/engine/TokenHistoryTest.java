package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TokenHistoryTest {
    @Test
    void anAnswerOfManyDifferentTokensGrowsWithoutEnd() {
        TokenHistory history = new TokenHistory(new int[0]);

        for (int id = 0; id < 5000; id++) {
            history.append(id);
        }

        assertThat(history.generatedIds()).isEqualTo(IntStream.range(0, 5000).toArray());
        assertThat(counts(history).values()).hasSize(5000).containsOnly(1);
    }

    @Property(tries = 300)
    void countsAreThoseOfAMap(
            @ForAll long seed,
            @ForAll @IntRange(min = 0, max = 300) int prompt,
            @ForAll @IntRange(min = 0, max = 300) int answer,
            @ForAll @IntRange(min = 1, max = 400) int vocabulary) {
        int[] ids = new Random(seed).ints(prompt + answer, 0, vocabulary).toArray();
        TokenHistory history = new TokenHistory(Arrays.copyOf(ids, prompt));
        Map<Integer, Integer> expected = new HashMap<>();
        for (int i = 0; i < ids.length; i++) {
            expected.merge(ids[i], i < prompt ? 0 : 1, Integer::sum);
            if (i >= prompt) {
                history.append(ids[i]);
            }
        }
        assertThat(counts(history)).isEqualTo(expected);
        assertThat(history.length()).isEqualTo(prompt + answer);
        assertThat(history.generated()).isEqualTo(answer);
    }

    @Test
    void aCopyGoesItsOwnWay() {
        TokenHistory one = new TokenHistory(new int[] {1, 2});
        TokenHistory other = one.copy();
        one.append(3);
        other.append(4);
        other.append(4);

        assertThat(one.generatedIds()).containsExactly(3);
        assertThat(counts(one)).isEqualTo(Map.of(1, 0, 2, 0, 3, 1));
        assertThat(counts(other)).isEqualTo(Map.of(1, 0, 2, 0, 4, 2));
    }

    private static Map<Integer, Integer> counts(TokenHistory history) {
        Map<Integer, Integer> counts = new HashMap<>();
        for (int entry = 0; entry < history.distinctCount(); entry++) {
            assertThat(counts.put(history.distinct(entry), history.generatedCount(entry)))
                    .as("an id has one entry")
                    .isNull();
        }
        return counts;
    }
}
