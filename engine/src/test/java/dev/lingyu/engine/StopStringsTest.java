package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class StopStringsTest {
    @Test
    void aStopTextSplitOverPiecesNeverShows() {
        StopStrings stops = new StopStrings(List.of("<|end|>"));

        assertThat(stops.add("Hello <|e")).isEqualTo("Hello ");
        assertThat(stops.matched()).isFalse();
        assertThat(stops.add("nd|> and more")).isEmpty();
        assertThat(stops.matched()).isTrue();
        assertThat(stops.match()).contains("<|end|>");
        assertThat(stops.finish()).isEmpty();
        assertThat(stops.length()).isEqualTo(6);
    }

    @Test
    void aFalseAlarmIsReleasedAtOnce() {
        StopStrings stops = new StopStrings(List.of("用户："));

        assertThat(stops.add("你好用户")).isEqualTo("你好");
        assertThat(stops.add("们")).isEqualTo("用户们");
    }

    @Test
    void textBeforeAMatchInTheSamePieceComesWithFinish() {
        StopStrings stops = new StopStrings(List.of("。"));

        assertThat(stops.add("好。不")).isEmpty();
        assertThat(stops.finish()).isEqualTo("好");
    }

    @Test
    void whatIsHeldBackAtTheEndBelongsToTheAnswer() {
        StopStrings stops = new StopStrings(List.of("\n\n"));

        assertThat(stops.add("line\n")).isEqualTo("line");
        assertThat(stops.finish()).isEqualTo("\n");
        assertThat(stops.match()).isEmpty();
    }

    @Test
    void theStopTextCompletedFirstWins() {
        StopStrings stops = new StopStrings(List.of("abcd", "bc"));

        String out = stops.add("xabcd") + stops.finish();

        assertThat(out).isEqualTo("xa");
        assertThat(stops.match()).contains("bc");
    }

    @Test
    void halfAnEmojiIsNeverReleased() {
        StopStrings stops = new StopStrings(List.of());

        assertThat(stops.add("a\uD83D")).isEqualTo("a");
        assertThat(stops.add("\uDE00b")).isEqualTo("😀b");
    }

    @Test
    void anEmptyStopTextIsRefused() {
        assertThatThrownBy(() -> new StopStrings(List.of("a", "")))
                .isInstanceOf(SamplingException.class)
                .hasMessageContaining("stop is an empty text");
    }

    @Property(tries = 2000)
    void anySplitGivesWhatTheWholeTextGives(
            @ForAll("texts") String text, @ForAll("stops") List<String> stops, @ForAll long splitSeed) {
        StopStrings watcher = new StopStrings(stops);
        Naive naive = Naive.of(text, stops);
        StringBuilder out = new StringBuilder();
        Random random = new Random(splitSeed);
        int at = 0;
        while (at < text.length() && !watcher.matched()) {
            int to = Math.min(text.length(), at + 1 + random.nextInt(4));
            out.append(watcher.add(text.substring(at, to)));
            at = to;
            // Nothing beyond the cut is ever visible, and of the text before it only what may begin a stop is missing.
            assertThat(naive.answer()).startsWith(out);
            if (!watcher.matched()) {
                String missing = text.substring(out.length(), at);
                assertThat(missing.isEmpty()
                                || stops.stream().anyMatch(s -> s.startsWith(missing))
                                || (missing.length() == 1 && Character.isHighSurrogate(missing.charAt(0))))
                        .isTrue();
            }
        }
        out.append(watcher.finish());

        assertThat(out.toString()).isEqualTo(naive.answer());
        assertThat(watcher.match().orElse("")).isEqualTo(naive.stop());
        assertThat(watcher.length()).isEqualTo(naive.answer().length());
    }

    @Provide
    Arbitrary<String> texts() {
        return alphabet().list().ofMaxSize(30).map(parts -> String.join("", parts));
    }

    @Provide
    Arbitrary<List<String>> stops() {
        return alphabet()
                .list()
                .ofMinSize(1)
                .ofMaxSize(4)
                .map(parts -> String.join("", parts))
                .list()
                .ofMaxSize(4);
    }

    private static Arbitrary<String> alphabet() {
        // Few letters, so that matches, near matches and overlaps are common; two emoji that share their first half.
        return Arbitraries.of("a", "b", "停", "😀", "😁");
    }

    /// The definition: the shortest beginning of the text that ends in a stop text, cut before the longest
    /// such.
    private record Naive(String answer, String stop) {
        static Naive of(String text, List<String> stops) {
            for (int end = 0; end <= text.length(); end++) {
                String beginning = text.substring(0, end);
                List<String> found = new ArrayList<>(
                        stops.stream().filter(beginning::endsWith).toList());
                found.sort((a, b) -> b.length() - a.length());
                if (!found.isEmpty()) {
                    String stop = found.getFirst();
                    return new Naive(beginning.substring(0, end - stop.length()), stop);
                }
            }
            return new Naive(text, "");
        }
    }
}
