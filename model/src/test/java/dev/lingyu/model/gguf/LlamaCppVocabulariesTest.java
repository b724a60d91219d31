package dev.lingyu.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The vocabularies that llama.cpp's sources bring (`models/ggml-vocab-*.gguf`) with the ids it expects for some
/// fifty texts each. Needs `-Dlingyu.llamacpp=DIR`, a checkout of llama.cpp.
class LlamaCppVocabulariesTest {
    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama-spm",
                "phi-3",
                "llama-bpe",
                "gpt-2",
                "qwen2",
                "qwen35",
                "starcoder",
                "refact",
                "command-r",
                "mpt",
                "falcon",
                "deepseek-llm",
                "deepseek-coder"
            })
    void textsBecomeTheIdsThatLlamaCppExpects(String name) throws IOException {
        String checkout = System.getProperty("lingyu.llamacpp", "");
        Assumptions.assumeTrue(!checkout.isEmpty(), "Skipped: give a checkout of llama.cpp, -Dlingyu.llamacpp=DIR.");
        Path file = Path.of(checkout, "models", "ggml-vocab-" + name + ".gguf");
        String[] texts = Files.readString(Path.of(file + ".inp")).split(SEPARATOR, -1);
        List<String> expected = Files.readString(Path.of(file + ".out")).lines().toList();
        GgufVocabulary vocabulary =
                GgufVocabulary.read(GgufFile.open(file).metadata()).orElseThrow();
        try (Tokenizer tokenizer = Tokenizer.of(TokenizerDocuments.of(vocabulary), name)) {
            int different = 0;
            for (int i = 0; i < expected.size(); i++) {
                String ids = Arrays.stream(tokenizer.encode(texts[i]))
                        .mapToObj(Integer::toString)
                        .collect(Collectors.joining(" "));
                if (!ids.equals(expected.get(i).strip())) {
                    different++;
                    System.out.printf(
                            "%s, text %d %s:%n  %s, expected%n  %s%n", name, i, texts[i], ids, expected.get(i));
                }
            }
            System.out.printf("%s: %d of %d texts differ%n", name, different, expected.size());
            assertThat(different).as(name + ": texts that differ").isZero();
        }
    }
}
