package dev.lingyu.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerEditTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("lingyu.shared", "../../shared")).resolve("golden/tokenizers");
    private static final String TEXT = "七天无理由退货，支持七天无理由退货。The refrigerator hums; two refrigerators hum.";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bloom-format", "gpt-2", "llama-spm"})
    void domainWordsBecomeTokensAndNothingElseChanges(String name) {
        Path source = GOLDEN.resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(source), "Skipped: no tokenizers at " + source);
        BpeExtender.Extension extension;
        int size;
        try (BpeExtender extender = BpeExtender.open(source);
                Tokenizer before = Tokenizer.open(source)) {
            size = before.vocabularySize();
            for (int i = 0; i < 10; i++) {
                extender.add(TEXT);
            }
            extension = extender.extend(40, 5);
            assertThat(extension.before()).isEqualTo(10L * before.encode(TEXT).length);
        }
        extension.tokenizer().save(folder);
        try (Tokenizer before = Tokenizer.open(source);
                Tokenizer after = Tokenizer.open(folder)) {
            assertThat(after.vocabularySize())
                    .isEqualTo(size + extension.parts().size());
            for (int id = 0; id < size; id++) {
                assertThat(after.token(id)).isEqualTo(before.token(id));
            }
            int[] ids = after.encode(TEXT);
            // Predicted by counting, measured by the library.
            assertThat(10L * ids.length).isEqualTo(extension.after()).isLessThan(extension.before());
            assertThat(after.decode(ids, false)).isEqualTo(before.decode(before.encode(TEXT), false));
            for (Map.Entry<Integer, int[]> part : extension.parts().entrySet()) {
                assertThat(before.decode(part.getValue(), false))
                        .isEqualTo(after.decode(new int[] {part.getKey()}, false));
            }
            String other = "A quiet sentence with numbers 123 and signs !? 很安静。";
            assertThat(before.decode(before.encode(other), false)).isEqualTo(after.decode(after.encode(other), false));
            System.out.printf(
                    "extend %s: %d tokens, %.3f -> %.3f tokens per character%n",
                    name,
                    extension.parts().size(),
                    (double) extension.before() / extension.characters(),
                    (double) extension.after() / extension.characters());
        }
    }

    @Test
    void theOrderOfTheTextsMakesNoDifference() throws IOException {
        Path source = trained();
        List<String> texts = new java.util.ArrayList<>(List.of("冰箱容量", "冰箱噪音", "容量很大", "冰箱容量大"));
        byte[] first = extended(source, texts, "a");
        Collections.reverse(texts);
        assertThat(extended(source, texts, "b")).isEqualTo(first);
    }

    private byte[] extended(Path source, List<String> texts, String target) throws IOException {
        try (BpeExtender extender = BpeExtender.open(source)) {
            texts.forEach(extender::add);
            extender.extend(20, 1).tokenizer().save(folder.resolve(target));
        }
        return Files.readAllBytes(folder.resolve(target).resolve(Tokenizer.FILE_NAME));
    }

    @Test
    void addedMarkersAndWordsGetTheNextIds() {
        Path source = trained();
        TokenizerEdit.of(source)
                .add(List.of("<think>", "</think>", "<s>"), true)
                .add(List.of("冰箱"), false)
                .save(folder.resolve("added"));
        try (Tokenizer before = Tokenizer.open(source);
                Tokenizer after = Tokenizer.open(folder.resolve("added"))) {
            int size = before.vocabularySize();
            assertThat(after.encode("<think>冰箱</think>")).containsExactly(size, size + 2, size + 1);
            assertThat(after.isSpecial(size)).isTrue();
            assertThat(after.isSpecial(size + 2)).isFalse();
            assertThat(after.encodePlain("<think>")).doesNotContain(size);
            assertThat(after.vocabularySize()).isEqualTo(size + 3);
            assertThat(after.bosTokenId()).isEqualTo(before.bosTokenId());
        }
        // Words learned behind added tokens: those keep their ids.
        try (BpeExtender extender = BpeExtender.open(folder.resolve("added"))) {
            extender.add("洗衣机洗衣机");
            extender.extend(3, 1).tokenizer().save(folder.resolve("both"));
        }
        try (Tokenizer added = Tokenizer.open(folder.resolve("added"));
                Tokenizer both = Tokenizer.open(folder.resolve("both"))) {
            assertThat(both.encode("<think>冰箱</think>")).isEqualTo(added.encode("<think>冰箱</think>"));
            assertThat(both.vocabularySize()).isEqualTo(added.vocabularySize() + 3);
        }
    }

    @Test
    void aWordPieceTokenizerIsRefused() {
        Path bert = GOLDEN.resolve("bert-bge");
        Assumptions.assumeTrue(Files.isDirectory(bert), "Skipped: no tokenizers at " + bert);
        assertThatThrownBy(() -> BpeExtender.open(bert))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("WordPiece")
                .hasMessageContaining("only BPE");
    }

    private Path trained() {
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(300));
        trainer.add("冰冰箱箱 fridge");
        Path target = folder.resolve("trained");
        trainer.train(size -> {}).save(target);
        return target;
    }
}
