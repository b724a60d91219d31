package dev.lingyu.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Several datasets become one in the order that a configuration asks for.
class MixTest {
    @TempDir
    Path folder;

    private static final List<String> NAMES = List.of("a.txt", "b.txt", "c.txt");

    @BeforeEach
    void write() throws IOException {
        lines("a", 2);
        lines("b", 5);
        lines("c", 3);
    }

    private void lines(String name, int count) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 1; i <= count; i++) {
            text.append(name).append(i).append('\n');
        }
        Files.writeString(folder.resolve(name + ".txt"), text);
    }

    private List<String> read(Mix mix) {
        DatasetSpec spec = DatasetSpec.of(NAMES).withFolder(folder).withMix(mix);
        return Reading.examples(spec, TextExample.class).stream()
                .map(TextExample::text)
                .toList();
    }

    private static Mix mix(String order, String weights, List<Double> shares) {
        Mix.Weights parsed = weights.equals("turns") ? Mix.Weights.TURNS : Mix.Weights.parse(weights);
        return new Mix(Mix.Order.parse(order), parsed, shares, 7);
    }

    @ParameterizedTest
    @CsvSource({
        "concat,           a1 a2 b1 b2 b3 b4 b5 c1 c2 c3",
        "interleave_under, a1 b1 c1 a2",
        "interleave_over,  a1 b1 c1 a2 b2 c2 a1 b3 c3 a2 b4 c1 a1 b5",
        "interleave_once,  a1 b1 c1 a2 b2 c2 b3 c3 b4 b5",
    })
    void datasetsTakeTurnsUntilTheEndThatTheStrategyNames(String strategy, String expected) {
        assertThat(String.join(" ", read(mix(strategy, "turns", List.of())))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"interleave_under,equal", "interleave_over,log", "interleave_once,proportional"})
    void everyDrawIsRepeatedByTheSameSeed(String strategy, String weights) {
        Mix mix = mix(strategy, weights, List.of());
        assertThat(read(mix)).isEqualTo(read(mix));
    }

    @ParameterizedTest
    @CsvSource({"interleave_over,equal", "interleave_over,log", "interleave_once,proportional"})
    void nothingIsLostWhereTheLastDatasetIsUsedUp(String strategy, String weights) {
        assertThat(read(mix(strategy, weights, List.of())))
                .contains("a1", "a2", "b1", "b2", "b3", "b4", "b5", "c1", "c2", "c3");
    }

    @Test
    void chancesFollowTheNumberOfExamplesItsLogarithmOrNothing() {
        List<Long> sizes = List.of(10L, 1000L);
        assertThat(mix("interleave_over", "proportional", List.of()).chances(2, () -> sizes))
                .containsExactly(10 / 1010.0, 1000 / 1010.0);
        List<Double> log = mix("interleave_over", "log", List.of()).chances(2, () -> sizes);
        assertThat(log.get(0)).isCloseTo(0.25, within(1e-12));
        assertThat(log.get(1)).isCloseTo(0.75, within(1e-12));
        assertThat(mix("interleave_over", "equal", List.of()).chances(2, () -> sizes))
                .containsExactly(0.5, 0.5);
        assertThat(mix("interleave_over", "explicit", List.of(3.0, 1.0)).chances(2, () -> sizes))
                .containsExactly(0.75, 0.25);
    }

    @Test
    void drawsComeAsOftenAsTheirChances() throws IOException {
        lines("a", 3000);
        lines("b", 3000);
        lines("c", 3000);
        List<String> drawn = read(mix("interleave_under", "explicit", List.of(0.6, 0.3, 0.1)));
        double a = count(drawn, "a");
        assertThat(count(drawn, "b") / a).isCloseTo(0.5, within(0.05));
        assertThat(count(drawn, "c") / a).isCloseTo(1 / 6.0, within(0.03));
    }

    private static double count(List<String> drawn, String dataset) {
        return drawn.stream().filter(text -> text.startsWith(dataset)).count();
    }

    @Test
    void whatDoesNotFitTogetherIsRefusedInWords() {
        assertThat(Refusals.messageOf(() -> Mix.Order.parse("interleave"))).contains("interleave_under");
        assertThat(Refusals.messageOf(() -> Mix.Weights.parse("logg"))).contains("log", "proportional");
        assertThat(Refusals.messageOf(() -> mix("concat", "equal", List.of()))).contains("mix_strategy");
        assertThat(Refusals.messageOf(() -> mix("interleave_over", "explicit", List.of())))
                .contains("interleave_probs");
        assertThat(Refusals.messageOf(() -> read(mix("interleave_over", "explicit", List.of(1.0)))))
                .contains("1 numbers for 3 datasets");
        assertThat(Refusals.messageOf(() -> read(mix("interleave_over", "explicit", List.of(1.0, 0.0, 2.0)))))
                .contains("above 0");
    }

    @Test
    void aReportCountsEachRowOnceHoweverOftenItComes() {
        DatasetSpec spec = DatasetSpec.of(NAMES).withFolder(folder).withMix(mix("interleave_over", "turns", List.of()));
        try (ExampleStream<TextExample> stream = Datasets.open(spec, TextExample.class)) {
            assertThat(stream.stream().count()).isEqualTo(14);
            assertThat(stream.reports().stream().map(ReadReport::examples)).containsExactly(2L, 5L, 3L);
        }
    }
}
