package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.gguf.GgufPrecision;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.gguf.GgufFile;
import dev.lingyu.tensor.gguf.GgufMetadata;
import dev.lingyu.tensor.gguf.GgufTensor;
import dev.lingyu.tensor.gguf.GgufValue;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What is written as GGUF against what llama.cpp's `convert_hf_to_gguf.py` made of the same models, recorded by
/// `interop/gguf/make-fixtures.py`.
class LlamaCppConverterTest {
    private static final String ROPE_FACTORS = "rope_freqs.weight";

    /// Keys that differ for a reason.
    private static final Set<String> DIFFERENT = Set.of(
            "general.name",
            // A word for people, such as 142K.
            "general.size_label",
            // The converter takes the hidden size where config.json names no length; here it is 2048.
            "bloom.context_length",
            // Without SentencePiece's own file the converter gives every token the same score, by which llama.cpp
            // then merges from the left; and it calls the unknown token a control token.
            "tokenizer.ggml.scores",
            "tokenizer.ggml.add_sep_token");

    /// Keys that the converter does not write for these models.
    private static final Set<String> MORE = Set.of(
            "llama.attention.sliding_window",
            "qwen2.attention.key_length",
            "qwen2.attention.value_length",
            "tokenizer.ggml.add_space_prefix");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @MethodSource("dev.lingyu.model.GoldenGgufTest#families")
    void metadataIsTheConverters(String name) throws IOException {
        JsonNode expected = fixture(name).path("metadata");
        Golden golden = Golden.open(name);
        GgufMetadata ours = export(golden, GgufPrecision.F32).metadata();
        boolean ownTokenizer = ours.keys().contains("tokenizer.ggml.model");
        Set<String> keys = new TreeSet<>(ours.keys());
        for (Map.Entry<String, JsonNode> entry : expected.properties()) {
            String key = entry.getKey();
            keys.remove(key);
            boolean unknownIsControl = name.equals("llama") && key.equals("tokenizer.ggml.token_type");
            if (DIFFERENT.contains(key) || unknownIsControl || key.startsWith("tokenizer.") && !ownTokenizer) {
                continue;
            }
            GgufValue value = ours.value(key).orElseThrow(() -> new AssertionError(name + " lacks " + key));
            assertThat(words(value)).as(name + " " + key).isEqualTo(words(entry.getValue()));
        }
        assertThat(MORE).as("keys that the converter does not write").containsAll(keys);
    }

    @ParameterizedTest
    @MethodSource("dev.lingyu.model.GoldenGgufTest#families")
    void tensorsAreTheConverters(String name) throws IOException {
        Golden golden = Golden.open(name);
        compare(name, fixture(name).path("tensors"), export(golden, GgufPrecision.F32));
        compare(name, fixture(name).path("q8_0"), export(golden, GgufPrecision.Q8_0));
    }

    private static void compare(String name, JsonNode expected, GgufFile file) {
        List<String> names = new ArrayList<>();
        expected.fieldNames().forEachRemaining(names::add);
        assertThat(file.tensors().keySet()).as(name).containsExactlyInAnyOrderElementsOf(names);
        for (GgufTensor tensor : file.tensors().values()) {
            JsonNode theirs = expected.path(tensor.name());
            assertThat(tensor.type().name())
                    .as(name + " " + tensor.name())
                    .isEqualTo(theirs.path("type").asText());
            assertThat(tensor.shape())
                    .as(name + " " + tensor.name())
                    .isEqualTo(theirs.path("shape")
                            .valueStream()
                            .mapToLong(JsonNode::asLong)
                            .toArray());
            if (tensor.name().equals(ROPE_FACTORS)) {
                // Computed in float there, with other roundings: compared by what Llama 3's rule makes of it.
                assertThat(factors(file)).startsWith(1f).endsWith(4f).isSorted();
            } else {
                assertThat(sha256(file.bytes(tensor.name()).toArray(ValueLayout.JAVA_BYTE)))
                        .as(name + " " + tensor.name() + " as " + tensor.type())
                        .isEqualTo(theirs.path("sha256").asText());
            }
        }
    }

    private static float[] factors(GgufFile file) {
        try (Tensor factors = file.tensor(ROPE_FACTORS, DType.F32)) {
            return factors.toFloats();
        }
    }

    private static String words(JsonNode value) {
        return value.isObject()
                ? value.path("count").asInt() + " " + value.path("sha256").asText()
                : value.isFloatingPointNumber() ? "" + (float) value.doubleValue() : value.asText();
    }

    private static String words(GgufValue value) {
        return switch (value) {
            case GgufValue.Text text -> text.value();
            case GgufValue.Whole whole -> "" + whole.value();
            case GgufValue.Real real -> "" + (float) real.value();
            case GgufValue.Flag flag -> "" + flag.value();
            case GgufValue.Texts texts -> digest(texts.values());
            case GgufValue.Numbers numbers ->
                digest(IntStream.range(0, (int) numbers.count())
                        .mapToObj(i -> "" + numbers.whole(i))
                        .toList());
            case GgufValue.Lists lists -> throw new AssertionError("a list of lists");
        };
    }

    private static String digest(List<String> values) {
        return values.size() + " " + sha256(String.join("\n", values).getBytes(StandardCharsets.UTF_8));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode fixture(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(
                LlamaCppConverterTest.class.getResourceAsStream("/gguf/" + name + ".json"), name)) {
            return new ObjectMapper().readTree(in);
        }
    }

    private GgufFile export(Golden golden, GgufPrecision precision) throws IOException {
        Path file = folder.resolve(precision + ".gguf");
        try (LanguageModel model = LanguageModel.open(golden.directory(), LanguageModel.Options.inference())) {
            model.saveGguf(file, "golden", precision);
        }
        return GgufFile.open(file);
    }
}
