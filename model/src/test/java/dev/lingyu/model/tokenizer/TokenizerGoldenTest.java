package dev.lingyu.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every recorded text of the Rust library and of llama.cpp gives the recorded ids and text.
class TokenizerGoldenTest {

    private static final List<String> FOLDERS = List.of("bloom-format", "gpt-2", "llama-spm", "bert-bge");
    private static final String LLAMA_CPP_SEPARATOR = "\n__ggml_vocab_test__\n";

    @TestFactory
    Stream<DynamicNode> recordedCases() {
        return FOLDERS.stream().map(folder -> {
            Path directory = SharedFiles.required("golden/tokenizers/" + folder);
            return DynamicContainer.dynamicContainer(folder, casesOf(directory));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"bloom", "llama"})
    void textRunsOfTheGoldenModelsEncodeAndDecodeAsRecorded(String model) throws IOException {
        Path directory = SharedFiles.required("golden/" + model);
        JsonNode runs = TokenizerFile.JSON
                .readTree(directory.resolve("text.json").toFile())
                .path("runs");
        assertThat(runs).isNotEmpty();
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            for (JsonNode run : runs) {
                String prompt = run.path("prompt").asText();
                int[] newIds = ints(run.path("new_ids"));
                assertThat(tokenizer.encodeWithSpecialTokens(prompt))
                        .as(prompt)
                        .isEqualTo(ints(run.path("prompt_ids")));
                assertThat(tokenizer.decode(newIds, true))
                        .isEqualTo(run.path("text").asText());
                assertThat(tokenizer.decode(newIds, false))
                        .isEqualTo(run.path("text_keep_special").asText());
            }
        }
    }

    private static Stream<DynamicNode> casesOf(Path directory) {
        try {
            Tokenizer tokenizer = Tokenizer.open(directory);
            JsonNode recorded =
                    TokenizerFile.JSON.readTree(directory.resolve("cases.json").toFile());
            List<DynamicNode> tests = new ArrayList<>();
            int number = 0;
            for (JsonNode one : recorded.path("cases")) {
                tests.add(DynamicTest.dynamicTest(
                        "case %d %s".formatted(number++, one.path("text")), () -> checkCase(tokenizer, one)));
            }
            for (JsonNode pair : recorded.path("pairs")) {
                tests.add(DynamicTest.dynamicTest(
                        "pair %s + %s".formatted(pair.path("a"), pair.path("b")), () -> checkPair(tokenizer, pair)));
            }
            if (Files.exists(directory.resolve("llamacpp.inp"))) {
                tests.addAll(llamaCppCases(directory, tokenizer));
            }
            return tests.stream().onClose(tokenizer::close);
        } catch (IOException e) {
            throw new IllegalStateException(directory + " is not readable", e);
        }
    }

    private static void checkCase(Tokenizer tokenizer, JsonNode one) {
        String text = one.path("text").asText();
        int[] ids = ints(one.path("ids"));
        assertThat(tokenizer.encode(text)).isEqualTo(ids);
        assertThat(Arrays.stream(ids).mapToObj(id -> tokenizer.token(id).orElse("?")))
                .containsExactlyElementsOf(strings(one.path("tokens")));
        assertThat(tokenizer.encodeWithSpecialTokens(text)).isEqualTo(ints(one.path("ids_with_special")));
        assertThat(tokenizer.decode(ids, false)).isEqualTo(one.path("decoded").asText());
        assertThat(tokenizer.decode(ids, true))
                .isEqualTo(one.path("decoded_skip_special").asText());
    }

    private static void checkPair(Tokenizer tokenizer, JsonNode pair) {
        assertThat(tokenizer.encodePairWithSpecialTokens(
                        pair.path("a").asText(), pair.path("b").asText()))
                .isEqualTo(new PairEncoding(ints(pair.path("ids")), ints(pair.path("type_ids"))));
    }

    private static List<DynamicNode> llamaCppCases(Path directory, Tokenizer tokenizer) throws IOException {
        String[] texts = Files.readString(directory.resolve("llamacpp.inp"), StandardCharsets.UTF_8)
                .split(LLAMA_CPP_SEPARATOR, -1);
        List<String> lines = Files.readAllLines(directory.resolve("llamacpp.out"), StandardCharsets.UTF_8);
        List<DynamicNode> tests = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String text = texts[i];
            int[] expected = Arrays.stream(lines.get(i).strip().split(" "))
                    .filter(word -> !word.isEmpty())
                    .mapToInt(Integer::parseInt)
                    .toArray();
            tests.add(DynamicTest.dynamicTest(
                    "llama.cpp text " + i,
                    () -> assertThat(tokenizer.encode(text)).isEqualTo(expected)));
        }
        assertThat(tests).hasSize(46);
        return tests;
    }

    static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }

    private static List<String> strings(JsonNode array) {
        List<String> values = new ArrayList<>();
        array.forEach(value -> values.add(value.asText()));
        return values;
    }
}
