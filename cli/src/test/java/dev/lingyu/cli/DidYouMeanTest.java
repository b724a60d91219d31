package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class DidYouMeanTest {
    private static final List<String> COMMANDS = List.of("train", "chat", "score", "serve", "generate", "quickstart");

    @Test
    void swappedMissingAndDoubledLettersAreUnderstood() {
        assertThat(DidYouMean.among(COMMANDS, "tarin")).containsExactly("train");
        assertThat(DidYouMean.among(COMMANDS, "generat")).containsExactly("generate");
        assertThat(DidYouMean.among(COMMANDS, "quickkstart")).containsExactly("quickstart");
    }

    @Test
    void aBeginningIsEnough() {
        assertThat(DidYouMean.among(COMMANDS, "quick")).containsExactly("quickstart");
    }

    @Test
    void nothingNearMeansNoGuess() {
        assertThat(DidYouMean.among(COMMANDS, "inspect")).isEmpty();
    }

    @Test
    void distanceCountsEdits() {
        assertThat(DidYouMean.distance("", "abc")).isEqualTo(3);
        assertThat(DidYouMean.distance("train", "train")).isZero();
        assertThat(DidYouMean.distance("ab", "ba")).isEqualTo(1);
    }
}
