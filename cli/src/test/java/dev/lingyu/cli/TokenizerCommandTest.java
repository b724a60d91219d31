package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.LanguageModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerCommandTest {
    @TempDir
    private Path folder;

    private Path corpus() throws IOException {
        Path file = folder.resolve("corpus.txt");
        Files.write(file, Collections.nCopies(12, "星辰冰箱支持七天无理由退货，洗衣机也支持。"));
        return file;
    }

    @Test
    void aModelLearnsItsDomainsWordsAndStillLoads() throws IOException {
        Path model = TinyModel.write(folder.resolve("tiny"));
        Invocation done = Invocation.of(
                "tokenizer",
                "extend",
                "--model",
                model,
                "--corpus",
                corpus(),
                "--size",
                20,
                "--output",
                folder.resolve("larger"));
        assertThat(done.err()).isEmpty();
        assertThat(done.exitCode()).isZero();
        assertThat(done.out()).contains("Added 20 tokens").containsPattern("Tokens per character.* before, .* now");
        try (LanguageModel small = LanguageModel.open(model, LanguageModel.Options.inference());
                LanguageModel larger =
                        LanguageModel.open(folder.resolve("larger"), LanguageModel.Options.inference())) {
            assertThat(larger.requireTokenizer().vocabularySize())
                    .isEqualTo(small.requireTokenizer().vocabularySize() + 20);
            assertThat(larger.decoder().config().vocabularySize() % 8).isZero();
            String text = "星辰冰箱支持七天无理由退货";
            assertThat(larger.requireTokenizer().encode(text).length)
                    .isLessThan(small.requireTokenizer().encode(text).length);
        }
        assertThat(Invocation.of(
                                "generate",
                                "--model",
                                folder.resolve("larger"),
                                "--prompt",
                                "冰箱",
                                "--max-new-tokens",
                                4)
                        .exitCode())
                .isZero();
    }

    @Test
    void aTokenizerIsTrained() throws IOException {
        Path target = folder.resolve("trained");
        Invocation done = Invocation.of(
                "tokenizer", "train", "--corpus", corpus(), "--size", 290, "--special", "<think>", "--output", target);
        assertThat(done.exitCode()).isZero();
        assertThat(done.out()).contains("Learned 290 tokens from 12 texts");
        assertThat(target.resolve("tokenizer.json")).isRegularFile();
    }

    @Test
    void whatCannotBeDoneIsToldInASentence() throws IOException {
        Path model = TinyModel.write(folder.resolve("tiny"));
        Invocation same = Invocation.of(
                "tokenizer", "extend", "--model", model, "--corpus", corpus(), "--size", 5, "--output", model);
        assertThat(same.exitCode()).isEqualTo(2);
        assertThat(same.err()).contains("name another directory");
        Invocation rare = Invocation.of(
                "tokenizer",
                "extend",
                "--model",
                model,
                "--corpus",
                corpus(),
                "--size",
                5,
                "--min-frequency",
                1000,
                "--output",
                folder.resolve("x"));
        assertThat(rare.exitCode()).isEqualTo(2);
        assertThat(rare.err()).contains("lower --min-frequency");
        assertThat(Invocation.of("tokenizer").exitCode()).isEqualTo(2);
    }
}
