package dev.lingyu.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.gguf.GgufFile;
import dev.lingyu.tensor.gguf.GgufValue;
import dev.lingyu.tensor.gguf.GgufWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tokenizers written as a GGUF file's metadata and read back: the recorded texts must become the recorded ids.
class TokenizerRoundTripTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path TOKENIZERS =
            Path.of(System.getProperty("lingyu.shared", "../../shared"), "golden", "tokenizers");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"llama-spm", "gpt-2", "bloom-format"})
    void recordedTextsBecomeTheRecordedIds(String name) throws IOException {
        Path directory = TOKENIZERS.resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(directory), "Skipped: no golden tokenizers at " + directory);
        JsonNode cases = JSON.readTree(directory.resolve("cases.json").toFile()).path("cases");
        try (Tokenizer tokenizer = throughMetadata(Tokenizer.open(directory))) {
            int texts = 0;
            for (JsonNode row : cases) {
                String text = row.path("text").asText();
                assertThat(tokenizer.encode(text)).as(name + ": " + text).containsExactly(ids(row.path("ids")));
                assertThat(tokenizer.decode(ids(row.path("ids")), false))
                        .as(name + ": " + text)
                        .isEqualTo(row.path("decoded").asText());
                texts++;
            }
            System.out.println(name + ": " + texts + " texts equal");
            assertThat(texts).isGreaterThan(30);
        }
    }

    @Test
    void whatGgufHasNoNameForIsRefused() throws IOException {
        refuses(root -> root.putObject("normalizer").put("type", "Lowercase"), "a normalizer of the type Lowercase");
        refuses(
                root -> root.putObject("pre_tokenizer").put("type", "Whitespace"),
                "its rule for cutting texts (pre_tokenizer) is none of llama-bpe");
        refuses(root -> ((ObjectNode) root.path("model")).put("ignore_merges", true), "is none of llama-bpe");
    }

    private void refuses(Consumer<ObjectNode> change, String words) throws IOException {
        Path file = TOKENIZERS.resolve("bloom-format/tokenizer.json");
        Assumptions.assumeTrue(Files.isRegularFile(file), "Skipped: no golden tokenizers at " + file);
        ObjectNode root = (ObjectNode) JSON.readTree(file.toFile());
        change.accept(root);
        byte[] json = JSON.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
        try (Tokenizer tokenizer = Tokenizer.of(Map.of("tokenizer.json", json), "changed")) {
            assertThatThrownBy(
                            () -> TokenizerMetadata.add(tokenizer, tokenizer.vocabularySize(), new LinkedHashMap<>()))
                    .isInstanceOf(GgufException.class)
                    .hasMessageContaining(words);
        }
    }

    private Tokenizer throughMetadata(Tokenizer tokenizer) throws IOException {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        try (tokenizer) {
            TokenizerMetadata.add(tokenizer, tokenizer.vocabularySize(), metadata);
        }
        Path file = folder.resolve("vocabulary.gguf");
        GgufWriter.write(file, metadata, List.of());
        GgufVocabulary vocabulary =
                GgufVocabulary.read(GgufFile.open(file).metadata()).orElseThrow();
        return Tokenizer.of(TokenizerDocuments.of(vocabulary), "vocabulary.gguf");
    }

    private static int[] ids(JsonNode list) {
        return list.valueStream().mapToInt(JsonNode::asInt).toArray();
    }
}
