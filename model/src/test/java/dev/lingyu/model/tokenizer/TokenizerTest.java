package dev.lingyu.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizerTest {

    private static final BpeSettings SETTINGS =
            BpeSettings.bloom(330).withMoreSpecialTokens(List.of("<|im_start|>", "<|im_end|>"));

    @TempDir
    Path directory;

    @Test
    void longTextIsNeitherTruncatedNorPaddedEvenIfTheFileAsksForIt() throws IOException {
        Vocabularies.byteLevel(directory, SETTINGS);
        Path path = directory.resolve(Tokenizer.FILE_NAME);
        ObjectNode root = (ObjectNode) TokenizerFile.JSON.readTree(path.toFile());
        root.set(
                "truncation",
                TokenizerFile.JSON.readTree(
                        "{\"direction\":\"Right\",\"max_length\":512,\"strategy\":\"LongestFirst\",\"stride\":0}"));
        root.set("padding", TokenizerFile.JSON.readTree("""
                        {"strategy":{"Fixed":4096},"direction":"Right","pad_to_multiple_of":null,"pad_id":3,
                        "pad_type_id":0,"pad_token":"<pad>"}"""));
        Files.write(path, TokenizerFile.JSON.writeValueAsBytes(root));
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            String text = "!?".repeat(1_000);
            assertThat(tokenizer.encode(text)).hasSize(2_000);
            assertThat(tokenizer.encodeWithSpecialTokens(text)).hasSize(2_000);
            assertThat(tokenizer.decode(tokenizer.encode(text), true)).isEqualTo(text);
        }
    }

    @Test
    void specialTokensInTextAreRecognisedUnlessItIsEncodedPlain() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, SETTINGS))) {
            String text = "您好<|im_end|></s>";
            int end = tokenizer.id("<|im_end|>").orElseThrow();
            assertThat(tokenizer.encode(text)).endsWith(end, 2);
            int[] plain = tokenizer.encodePlain(text);
            assertThat(Arrays.stream(plain).filter(tokenizer::isSpecial)).isEmpty();
            assertThat(tokenizer.decode(plain, true)).isEqualTo(text);
            assertThat(tokenizer.encodePlain("您好")).isEqualTo(tokenizer.encode("您好"));
        }
    }

    @Test
    void plainTextOfASentencePieceVocabularyHasNoSpecialTokens() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteFallback(directory))) {
            int[] plain = tokenizer.encodePlain("a</s>");
            assertThat(Arrays.stream(plain).filter(tokenizer::isSpecial)).isEmpty();
            assertThat(tokenizer.decode(plain, true)).isEqualTo("a</s>");
        }
    }

    @Test
    void offsetsAreUtf16UnitsBehindAnEmojiToo() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, SETTINGS))) {
            String text = "😀好 the 👍 end<|im_end|>!";
            Encoding encoding = tokenizer.encodeWithOffsets(text);
            assertThat(encoding.ids()).isEqualTo(tokenizer.encode(text));
            for (int i = 0; i < encoding.ids().length; i++) {
                String covered = text.substring(encoding.starts()[i], encoding.ends()[i]);
                String decoded = tokenizer.decode(new int[] {encoding.ids()[i]}, false);
                if (!decoded.contains("\uFFFD")) {
                    assertThat(covered.strip()).isEqualTo(decoded.strip());
                }
            }
            assertThat(encoding.ends()).endsWith(text.length());
        }
    }

    @Test
    void loneSurrogatesCountAsReplacementCharacters() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, SETTINGS))) {
            assertThat(tokenizer.encode("a\uD83Db\uDE00")).isEqualTo(tokenizer.encode("a\uFFFDb\uFFFD"));
            assertThat(tokenizer.encodeWithOffsets("a\uD83Db").ends()).endsWith(3);
        }
    }

    @Test
    void zeroCharactersSurviveBothWays() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, SETTINGS))) {
            String text = "a\u0000b😀\u0000";
            assertThat(tokenizer.decode(tokenizer.encode(text), true)).isEqualTo(text);
        }
    }

    @Test
    void vocabularyIsKnownByIdAndByToken() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, SETTINGS))) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(330);
            assertThat(tokenizer.token(2)).contains("</s>");
            assertThat(tokenizer.token(330)).isEmpty();
            assertThat(tokenizer.token(-1)).isEmpty();
            assertThat(tokenizer.id("</s>")).hasValue(2);
            assertThat(tokenizer.id("no such token")).isEmpty();
            assertThat(IntStream.range(-1, 331).filter(tokenizer::isSpecial)).containsExactly(0, 1, 2, 3, 4, 5);
        }
    }

    @Test
    void specialTokensComeFromTheTokenizersOwnSettings() {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, SETTINGS))) {
            assertThat(tokenizer.unkTokenId()).hasValue(0);
            assertThat(tokenizer.bosTokenId()).hasValue(1);
            assertThat(tokenizer.eosTokenId()).hasValue(2);
            assertThat(tokenizer.eosTokenIds()).containsExactly(2);
            assertThat(tokenizer.padTokenId()).hasValue(3);
        }
    }

    @Test
    void namesMayBeObjectsAndGenerationConfigAddsFurtherEnds() throws IOException {
        Vocabularies.byteLevel(directory, SETTINGS);
        Files.writeString(
                directory.resolve("tokenizer_config.json"),
                "{\"eos_token\":{\"content\":\"<|im_end|>\",\"lstrip\":false},\"bos_token\":null,\"pad_token\":\"absent\"}");
        Files.writeString(directory.resolve("special_tokens_map.json"), "{\"unk_token\":{\"content\":\"<unk>\"}}");
        Files.writeString(
                directory.resolve("generation_config.json"),
                "{\"eos_token_id\":[5,2,99999],\"bos_token_id\":1,\"pad_token_id\":[3]}");
        Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\":0,\"bos_token_id\":2}");
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            assertThat(tokenizer.eosTokenIds()).containsExactly(5, 2);
            assertThat(tokenizer.eosTokenId()).hasValue(5);
            assertThat(tokenizer.bosTokenId()).hasValue(1);
            assertThat(tokenizer.padTokenId()).hasValue(3);
            assertThat(tokenizer.unkTokenId()).hasValue(0);
        }
    }

    @Test
    void configIsTheLastResort() throws IOException {
        Vocabularies.byteFallback(directory);
        Files.writeString(
                directory.resolve("config.json"), "{\"eos_token_id\":2,\"bos_token_id\":1,\"pad_token_id\":null}");
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            assertThat(tokenizer.eosTokenIds()).containsExactly(2);
            assertThat(tokenizer.bosTokenId()).hasValue(1);
            assertThat(tokenizer.padTokenId()).isEqualTo(OptionalInt.empty());
            assertThat(tokenizer.unkTokenId()).as("named by the vocabulary").hasValue(0);
        }
    }

    @Test
    void savedFilesAreTheSameBytesAndOpenWithTheSameDigest() throws IOException {
        Vocabularies.byteLevel(directory.resolve("from"), SETTINGS);
        Files.writeString(directory.resolve("from/chat_template.jinja"), "{{ messages }}\r\n");
        Path target = directory.resolve("a/b");
        try (Tokenizer tokenizer = Tokenizer.open(directory.resolve("from"))) {
            tokenizer.save(target);
            tokenizer.save(directory.resolve("from"));
            try (Tokenizer copy = Tokenizer.open(target)) {
                assertThat(copy.digest()).isEqualTo(tokenizer.digest()).matches("[0-9a-f]{64}");
            }
        }
        for (String name :
                List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")) {
            assertThat(target.resolve(name))
                    .hasSameBinaryContentAs(directory.resolve("from").resolve(name));
        }
        assertThat(Files.list(target)).hasSize(4);
    }

    @Test
    void savingAFileThatChangedIsRefused() throws IOException {
        Vocabularies.byteLevel(directory, SETTINGS);
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            Files.writeString(directory.resolve(Tokenizer.FILE_NAME), "{}");
            assertThatThrownBy(() -> tokenizer.save(directory.resolve("copy")))
                    .isInstanceOf(TokenizerException.class)
                    .hasMessageContaining("changed since");
        }
    }

    @Test
    void addedTokensBehindTheVocabularyAreCounted() throws IOException {
        Vocabularies.byteLevel(directory, SETTINGS);
        Path path = directory.resolve(Tokenizer.FILE_NAME);
        ObjectNode root = (ObjectNode) TokenizerFile.JSON.readTree(path.toFile());
        ObjectNode token = root.withArray("added_tokens").get(0).deepCopy();
        root.withArray("added_tokens")
                .add(token.put("id", 330).put("content", "<tool>").put("special", false));
        Files.write(path, TokenizerFile.JSON.writeValueAsBytes(root));
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(331);
            assertThat(tokenizer.encode("<tool>")).containsExactly(330);
            assertThat(tokenizer.encodePlain("<tool>")).containsExactly(330);
            assertThat(tokenizer.isSpecial(330)).isFalse();
            assertThat(tokenizer.decode(new int[] {330}, true)).isEqualTo("<tool>");
        }
    }

    @Test
    void manyThreadsEncodeTheSame() throws InterruptedException, ExecutionException {
        try (Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, SETTINGS));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<int[]> expected =
                    Vocabularies.SENTENCES.stream().map(tokenizer::encode).toList();
            List<Future<int[]>> results = IntStream.range(0, 400)
                    .mapToObj(i ->
                            threads.submit(() -> tokenizer.encode(Vocabularies.SENTENCES.get(i % expected.size()))))
                    .toList();
            for (int i = 0; i < results.size(); i++) {
                assertThat(results.get(i).get()).isEqualTo(expected.get(i % expected.size()));
            }
        }
    }

    @Test
    void aClosedTokenizerSaysSoInsteadOfCrashing() {
        Tokenizer tokenizer = Tokenizer.open(Vocabularies.byteLevel(directory, SETTINGS));
        tokenizer.close();
        tokenizer.close();
        assertThatThrownBy(() -> tokenizer.encode("a")).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> tokenizer.encodePlain("a")).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> tokenizer.decode(new int[] {4}, true)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aMissingFileIsNamed() {
        assertThatThrownBy(() -> Tokenizer.open(directory))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining(directory.resolve("tokenizer.json").toString())
                .hasMessageContaining("does not exist");
    }

    @Test
    void aTruncatedFileIsNamedWithThePlace() throws IOException {
        Vocabularies.byteLevel(directory, SETTINGS);
        Path path = directory.resolve(Tokenizer.FILE_NAME);
        byte[] whole = Files.readAllBytes(path);
        Files.write(path, Arrays.copyOf(whole, whole.length / 2));
        assertThatThrownBy(() -> Tokenizer.open(directory))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("not readable as JSON")
                .hasMessageContaining("cut off");
    }

    @Test
    void aFileThatIsNoTokenizerSaysWhatIsMissing() throws IOException {
        Files.writeString(directory.resolve(Tokenizer.FILE_NAME), "{\"version\":\"1.0\",\"model\":{\"type\":\"BPE\"}}");
        assertThatThrownBy(() -> Tokenizer.open(directory))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("\"vocab\"");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    "special_tokens":{"<s>"     | "special_tokens":{"<t>"    | do not have
                    "id":"A"                    | "id":"B"                   | second text
                    "ids":[1]                   | "ids":[1,2]                | another number of ids
                    "start":1,"stop":0          | "start":1,"stop":1         | strips the ends
                    "fuse_unk":true             | "continuing_subword_prefix":"##" | subword prefix
                    """)
    void aContradictionThatWouldBringNativeCodeDownIsRefused(String from, String to, String reason) throws IOException {
        Path path = Vocabularies.byteFallback(directory).resolve(Tokenizer.FILE_NAME);
        String json = Files.readString(path);
        assertThat(json).contains(from);
        Files.writeString(path, json.replace(from, to));
        assertThatThrownBy(() -> Tokenizer.open(directory))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void aBrokenSettingsFileIsNamed() throws IOException {
        Vocabularies.byteLevel(directory, SETTINGS);
        Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\":");
        assertThatThrownBy(() -> Tokenizer.open(directory))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("generation_config.json");
    }

    @Test
    void tokensOfAPublishedChatVocabularyAreFound() {
        try (Tokenizer tokenizer = Tokenizer.open(SharedFiles.required("data/tokenizers/minimind"))) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(6400);
            assertThat(tokenizer.eosTokenId()).isEqualTo(tokenizer.id("<|im_end|>"));
            assertThat(tokenizer.encode("<|im_end|>")).hasSize(1);
            assertThat(tokenizer.token(tokenizer.eosTokenId().orElseThrow())).isEqualTo(Optional.of("<|im_end|>"));
        }
    }
}
