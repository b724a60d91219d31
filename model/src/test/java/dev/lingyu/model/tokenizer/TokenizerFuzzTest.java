package dev.lingyu.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tag;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import net.jqwik.api.statistics.Statistics;
import org.jspecify.annotations.Nullable;

/// Foreign bytes never bring the program down: a damaged file is a sentence, and any text survives
/// the round trip.
class TokenizerFuzzTest {

    private static Path root = Path.of("");
    private static @Nullable Tokenizer byteLevel;

    @BeforeContainer
    static void makeVocabularies() throws IOException {
        root = Files.createTempDirectory("tokenizer-fuzz");
        byteLevel = Tokenizer.open(Vocabularies.byteLevel(root.resolve("byte-level"), BpeSettings.bloom(330)));
        Vocabularies.byteFallback(root.resolve("byte-fallback"));
        Vocabularies.wordPiece(root.resolve("word-piece"));
        Vocabularies.unigram(root.resolve("unigram"));
        Files.createDirectories(root.resolve("damaged"));
    }

    @AfterContainer
    static void removeVocabularies() throws IOException {
        tokenizer().close();
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /// The seed is fixed: a damage that native code does not survive ends the whole test run, so
    /// new ones are looked for in [#manyDamagedFilesOpenOrAreRefused] only.
    @Property(tries = 1000, seed = "20261124", shrinking = ShrinkingMode.OFF)
    void aDamagedFileOpensOrIsRefusedInASentence(@ForAll("damages") Damage damage) throws IOException {
        openOrRefuse(damage);
    }

    @Property(tries = 12_000, shrinking = ShrinkingMode.OFF)
    @Tag("heavy")
    void manyDamagedFilesOpenOrAreRefused(@ForAll("damages") Damage damage) throws IOException {
        openOrRefuse(damage);
    }

    private static void openOrRefuse(Damage damage) throws IOException {
        byte[] json = Files.readAllBytes(root.resolve(damage.vocabulary()).resolve(Tokenizer.FILE_NAME));
        Path directory = root.resolve("damaged");
        Files.write(directory.resolve(Tokenizer.FILE_NAME), damage.applyTo(json));
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            int[] ids = tokenizer.encodeWithSpecialTokens("您好 the </s>😀");
            assertThat(tokenizer.decode(ids, false)).isNotNull();
            assertThat(tokenizer.encodePlain("</s>")).isNotNull();
            assertThat(tokenizer.encodePairWithSpecialTokens("a", "b")).isNotNull();
            assertThat(tokenizer.encodeWithOffsets("a 😀 b")).isNotNull();
            Statistics.label("damaged tokenizers").collect("opened");
        } catch (TokenizerException e) {
            Statistics.label("damaged tokenizers").collect("refused");
            assertThat(e.getMessage())
                    .contains(directory.toString())
                    .endsWith(".")
                    .doesNotContain("\n");
        }
    }

    @Property(tries = 500)
    void anyTextSurvivesTheRoundTripThroughBytes(@ForAll("texts") String text) {
        int[] ids = tokenizer().encodePlain(text);
        assertThat(tokenizer().decode(ids, true)).isEqualTo(text);
        StreamDecoder stream = tokenizer().streamDecoder(true);
        StringBuilder streamed = new StringBuilder();
        for (int id : ids) {
            streamed.append(stream.add(id));
        }
        assertThat(streamed.append(stream.finish()).toString()).isEqualTo(text);
        Encoding encoding = tokenizer().encodeWithOffsets(text);
        for (int i = 0; i < encoding.ids().length; i++) {
            assertThat(encoding.starts()[i]).isBetween(0, encoding.ends()[i]);
            assertThat(encoding.ends()[i]).isLessThanOrEqualTo(text.length());
        }
    }

    @Provide
    Arbitrary<String> texts() {
        Arbitrary<Integer> codePoints = Arbitraries.oneOf(
                Arbitraries.integers().between(0, 0x10FFFF),
                Arbitraries.integers().between(0, 0x7F),
                Arbitraries.integers().between(0x4E00, 0x9FFF),
                Arbitraries.integers().between(0x1F300, 0x1FAFF));
        return codePoints
                .filter(codePoint -> codePoint < 0xD800 || codePoint > 0xDFFF)
                .list()
                .ofMaxSize(60)
                .map(points -> points.stream()
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        .toString());
    }

    @Provide
    Arbitrary<Damage> damages() {
        return Combinators.combine(
                        Arbitraries.of("byte-level", "byte-fallback", "word-piece", "unigram"),
                        Arbitraries.of(Kind.class),
                        Arbitraries.longs(),
                        Arbitraries.integers().between(1, 4))
                .as(Damage::new);
    }

    private static Tokenizer tokenizer() {
        if (byteLevel == null) {
            throw new IllegalStateException("the vocabulary is made before the first property");
        }
        return byteLevel;
    }

    private enum Kind {
        CUT,
        CHANGE_BYTE,
        REMOVE_RANGE,
        REPEAT_RANGE,
        CHANGE_NUMBER,
        CHANGE_WORD
    }

    /// What is done to a file, a few times over, at places that the seed picks.
    private record Damage(String vocabulary, Kind kind, long seed, int times) {

        byte[] applyTo(byte[] json) {
            Random random = new Random(seed);
            byte[] damaged = json;
            for (int i = 0; i < times; i++) {
                damaged = once(damaged, random);
            }
            return damaged;
        }

        private byte[] once(byte[] json, Random random) {
            if (json.length == 0) {
                return json;
            }
            String text = new String(json, StandardCharsets.ISO_8859_1);
            int from = place(text, random);
            int to = Math.min(json.length, from + 1 + random.nextInt(40));
            return switch (kind) {
                case CUT -> bytes(text.substring(0, from));
                case CHANGE_BYTE -> {
                    byte[] copy = json.clone();
                    copy[from] = (byte) random.nextInt(256);
                    yield copy;
                }
                case REMOVE_RANGE -> bytes(text.substring(0, from) + text.substring(to));
                case REPEAT_RANGE -> bytes(text.substring(0, to) + text.substring(from));
                case CHANGE_NUMBER ->
                    bytes(text.substring(0, from)
                            + text.substring(from)
                                    .replaceFirst(
                                            "\\d+",
                                            List.of("-1", "0", "99999999999", "7", "1e9", "4294967295")
                                                    .get(random.nextInt(6))));
                case CHANGE_WORD ->
                    bytes(text.substring(0, from)
                            + text.substring(from)
                                    .replaceFirst(
                                            "\"[a-zA-Z_]+\"",
                                            List.of("null", "{}", "[]", "\"x\"", "true", "\"\"")
                                                    .get(random.nextInt(6))));
            };
        }

        /// Mostly outside the vocabulary, which is most of the file but little of its structure.
        private static int place(String text, Random random) {
            int from = text.indexOf("\"vocab\"");
            int to = text.indexOf(']', Math.max(0, text.indexOf("\"merges\"")));
            if (from < 0 || to <= from || random.nextInt(5) == 0) {
                return random.nextInt(text.length());
            }
            int place = random.nextInt(text.length() - (to - from));
            return place < from ? place : place + to - from;
        }

        private static byte[] bytes(String text) {
            return text.getBytes(StandardCharsets.ISO_8859_1);
        }
    }
}
