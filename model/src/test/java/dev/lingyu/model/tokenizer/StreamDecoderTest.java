package dev.lingyu.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamDecoderTest {

    private static final long SEED = 20261124;

    @TempDir
    Path directory;

    @Test
    void piecesOfAnEmojiWaitForItsLastByte() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, BpeSettings.bloom(260)))) {
            int[] ids = tokenizer.encode("好😀!");
            assertThat(pieces(tokenizer, true, ids)).containsExactly("", "", "好", "", "", "", "😀", "!", "");
        }
    }

    @Test
    void brokenBytesComeOutWithTheByteThatBreaksThem() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, BpeSettings.bloom(260)))) {
            int first = tokenizer.encode("好")[0];
            int bang = tokenizer.encode("!")[0];
            assertThat(pieces(tokenizer, true, first, bang, first)).containsExactly("", "\uFFFD!", "", "\uFFFD");
        }
    }

    @Test
    void leadingSpaceOfSentencePieceIsTakenOffOnceEvenBehindASpecialToken() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteFallback(directory))) {
            int[] ids = tokenizer.encodeWithSpecialTokens("the the");
            assertThat(String.join("", pieces(tokenizer, true, ids))).isEqualTo("the the");
            assertThat(String.join("", pieces(tokenizer, false, ids))).isEqualTo(tokenizer.decode(ids, false));
        }
    }

    @Test
    void aFinishedStreamBeginsAnew() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteFallback(directory))) {
            StreamDecoder stream = tokenizer.streamDecoder(true);
            int[] ids = tokenizer.encode("a 领");
            for (int round = 0; round < 2; round++) {
                StringBuilder text = new StringBuilder();
                for (int id : ids) {
                    text.append(stream.add(id));
                }
                assertThat(text.append(stream.finish()).toString()).isEqualTo("a 领");
            }
        }
    }

    @Test
    void unknownIdsAddNothing() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, BpeSettings.bloom(300)))) {
            int a = tokenizer.encode("a")[0];
            int[] ids = {a, 1_000_000, -1, a};
            assertThat(tokenizer.decode(ids, false)).isEqualTo("aa");
            assertThat(String.join("", pieces(tokenizer, false, ids))).isEqualTo("aa");
        }
    }

    @Test
    void randomIdsOfAByteLevelVocabularyStreamAsTheyDecode() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, BpeSettings.bloom(420)))) {
            assertRandomIdsStreamAsTheyDecode(tokenizer, 3_000);
        }
    }

    @Test
    void randomIdsOfAByteFallbackVocabularyStreamAsTheyDecode() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteFallback(directory))) {
            assertRandomIdsStreamAsTheyDecode(tokenizer, 3_000);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "golden/tokenizers/bloom-format",
                "golden/tokenizers/gpt-2",
                "golden/tokenizers/llama-spm",
                "golden/tokenizers/bert-bge",
                "data/tokenizers/minimind"
            })
    void randomIdsOfPublishedVocabulariesStreamAsTheyDecode(String folder) {
        try (Tokenizer tokenizer = Tokenizer.open(SharedFiles.required(folder))) {
            assertRandomIdsStreamAsTheyDecode(tokenizer, 1_000);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "golden/tokenizers/bloom-format",
                "golden/tokenizers/gpt-2",
                "golden/tokenizers/llama-spm",
                "golden/tokenizers/bert-bge",
                "data/tokenizers/minimind"
            })
    void textOfPublishedVocabulariesNeverShowsReplacementCharactersInAStream(String folder) {
        try (Tokenizer tokenizer = Tokenizer.open(SharedFiles.required(folder))) {
            for (String sentence : Vocabularies.SENTENCES) {
                int[] ids = tokenizer.encode(sentence);
                List<String> pieces = pieces(tokenizer, true, ids);
                assertThat(pieces).as(sentence).noneMatch(piece -> piece.contains("\uFFFD"));
                assertThat(pieces).allMatch(StreamDecoderTest::isWellFormed);
                assertThat(String.join("", pieces)).isEqualTo(tokenizer.decode(ids, true));
            }
        }
    }

    @Test
    void bytesBecomeTheTextThatTheJdkReadsWhereTheRulesAgree() {
        Random random = new Random(SEED);
        for (int round = 0; round < 2_000; round++) {
            String text = random.ints(12, 0, 0x20000)
                    .filter(codePoint -> codePoint < 0xD800 || codePoint > 0xDFFF)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString();
            Utf8Pieces utf8 = new Utf8Pieces();
            StringBuilder streamed = new StringBuilder();
            for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
                utf8.add(value);
                streamed.append(utf8.take());
            }
            assertThat(streamed.append(utf8.finish()).toString())
                    .as("seed %d", SEED)
                    .isEqualTo(text);
        }
    }

    private static void assertRandomIdsStreamAsTheyDecode(Tokenizer tokenizer, int rounds) {
        Random random = new Random(SEED);
        for (int round = 0; round < rounds; round++) {
            // Half of the draws stay near the bytes, where broken UTF-8 comes from.
            int bound = random.nextBoolean() ? Math.min(270, tokenizer.vocabularySize()) : tokenizer.vocabularySize();
            int[] ids = random.ints(1 + random.nextInt(40), 0, bound).toArray();
            boolean skip = random.nextBoolean();
            List<String> pieces = pieces(tokenizer, skip, ids);
            assertThat(String.join("", pieces))
                    .as("seed %d, round %d, ids %s", SEED, round, Arrays.toString(ids))
                    .isEqualTo(tokenizer.decode(ids, skip));
            assertThat(pieces).allMatch(StreamDecoderTest::isWellFormed);
        }
    }

    private static List<String> pieces(Tokenizer tokenizer, boolean skipSpecialTokens, int... ids) {
        StreamDecoder stream = tokenizer.streamDecoder(skipSpecialTokens);
        List<String> pieces = new ArrayList<>();
        for (int id : ids) {
            pieces.add(stream.add(id));
        }
        pieces.add(stream.finish());
        return pieces;
    }

    private static boolean isWellFormed(String piece) {
        return piece.codePoints().noneMatch(codePoint -> codePoint >= 0xD800 && codePoint <= 0xDFFF);
    }
}
