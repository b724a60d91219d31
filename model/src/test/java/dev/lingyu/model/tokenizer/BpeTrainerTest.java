package dev.lingyu.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BpeTrainerTest {

    private static final long SEED = 20261124;

    @TempDir
    Path directory;

    @Test
    void layoutIsSpecialTokensThenBytesThenMerges() {
        TrainedBpe trained = trained(BpeSettings.bloom(270), List.of("abab abab ab"));
        assertThat(trained.tokens().subList(0, 4)).containsExactly("<unk>", "<s>", "</s>", "<pad>");
        assertThat(trained.tokens().get(4)).isEqualTo("!");
        assertThat(trained.tokens().get(259)).isEqualTo("Ń");
        assertThat(trained.tokens().get(260)).isEqualTo("ab");
        assertThat(trained.merges().getFirst()).isEqualTo(new TrainedBpe.Merge("a", "b"));
        assertThat(trained.vocabularySize()).as("nothing else occurs twice").isLessThan(270);
    }

    @Test
    void equallyFrequentPairsAreMergedInTheOrderOfTheirIds() {
        TrainedBpe trained = trained(BpeSettings.bloom(262), List.of("zx.zx.ba.ba."));
        assertThat(trained.merges()).containsExactly(new TrainedBpe.Merge("b", "a"), new TrainedBpe.Merge("z", "x"));
    }

    @Test
    void runsOfOneLetterAreMergedFromTheLeft() {
        TrainedBpe trained = trained(BpeSettings.bloom(262).withMinimumFrequency(1), List.of("aaaaa"));
        assertThat(trained.merges()).containsExactly(new TrainedBpe.Merge("a", "a"), new TrainedBpe.Merge("aa", "a"));
    }

    @Test
    void textNeverMergesIntoASpecialToken() throws IOException {
        TrainedBpe trained = trained(BpeSettings.bloom(400), Collections.nCopies(50, "<pad><pad>x"));
        trained.save(directory);
        assertThat(trained.merges()).noneMatch(merge -> (merge.left() + merge.right()).equals("<pad>"));
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            assertThat(tokenizer.encodePlain("<pad>")).doesNotContain(3);
        }
    }

    @Test
    void orderOfTextsMakesNoDifference() {
        List<String> texts = new ArrayList<>(Vocabularies.SENTENCES);
        TrainedBpe first = trained(BpeSettings.bloom(400), texts);
        Collections.shuffle(texts, new Random(SEED));
        assertThat(trained(BpeSettings.bloom(400), texts)).isEqualTo(first);
    }

    /// The file holds what `tokenizers` 0.23.3 found for the same texts with BLOOM's cuts and
    /// minimum frequency 2.
    @Test
    void mergesAreThoseOfHuggingFacesTrainer() throws IOException {
        List<String> recorded;
        try (InputStream stream = BpeTrainerTest.class.getResourceAsStream("merges-of-sentences.txt")) {
            recorded = new String(Objects.requireNonNull(stream).readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
        }
        assertThat(trained(BpeSettings.bloom(345), Vocabularies.SENTENCES).merges())
                .extracting(merge -> merge.left() + " " + merge.right())
                .containsExactlyElementsOf(recorded);
    }

    @ParameterizedTest
    @EnumSource(PreTokenizer.class)
    void mergesAreThoseOfCountingEverythingAnewEachTime(PreTokenizer preTokenizer) {
        Random random = new Random(SEED);
        List<String> texts = new ArrayList<>(Vocabularies.SENTENCES);
        for (int i = 0; i < 30; i++) {
            // Few letters, so that runs, overlaps and two ways to the same token happen.
            texts.add(random.ints(60, 0, 4)
                    .collect(StringBuilder::new, (text, i1) -> text.append("ab 领".charAt(i1)), StringBuilder::append)
                    .toString());
        }
        BpeSettings settings = BpeSettings.bloom(420).withPreTokenizer(preTokenizer);
        assertThat(trained(settings, texts).merges())
                .as("seed %d", SEED)
                .isEqualTo(mergesByCountingAnew(settings, texts, 420 - 260));
    }

    @ParameterizedTest
    @EnumSource(PreTokenizer.class)
    void theLibraryEncodesAsTheDefinitionSays(PreTokenizer preTokenizer) {
        TrainedBpe trained = trained(BpeSettings.bloom(500).withPreTokenizer(preTokenizer), Vocabularies.SENTENCES);
        trained.save(directory);
        ByteLevelBpe definition = new ByteLevelBpe(trained);
        List<String> texts = new ArrayList<>(Vocabularies.SENTENCES);
        texts.addAll(List.of(
                "",
                " ",
                "  a  b ",
                "\n\n\t x\r\n",
                "It's I'LL we'Re 12345 ３４",
                "(括号)|竖线[方]…。，、।۔،\u3000全角\u00A0空格\u0085",
                "e\u0301 é ñ 👩‍👩‍👧 \u200B零宽",
                "a\u2028b\u180Ec\u001Cd"));
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            for (String text : texts) {
                assertThat(Arrays.stream(tokenizer.encode(text)).boxed())
                        .as(text)
                        .containsExactlyElementsOf(definition.encode(text));
            }
        }
    }

    @Test
    void qwenLayoutOpensWithItsRoles() {
        trained(BpeSettings.qwen2(300), Vocabularies.SENTENCES).save(directory);
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            assertThat(tokenizer.eosTokenId()).hasValue(2);
            assertThat(tokenizer.padTokenId()).hasValue(0);
            assertThat(tokenizer.bosTokenId()).isEmpty();
        }
    }

    @Test
    void fileHasTheKeysOfBloomsInTheirOrder() throws IOException {
        trained(BpeSettings.bloom(300), Vocabularies.SENTENCES).save(directory);
        Path published = SharedFiles.required("golden/tokenizers/bloom-format/tokenizer.json");
        assertThat(outline(directory.resolve("tokenizer.json"))).isEqualTo(outline(published));
    }

    @Test
    void progressTellsTheSizeAfterEachMerge() {
        List<Integer> sizes = new ArrayList<>();
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(265));
        Vocabularies.SENTENCES.forEach(trainer::add);
        trainer.train(sizes::add);
        assertThat(sizes).containsExactly(261, 262, 263, 264, 265);
    }

    @Test
    void settingsThatDoNotFitAreNamed() {
        assertThatThrownBy(() -> BpeSettings.bloom(259))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("need 260");
        assertThatThrownBy(() -> BpeSettings.bloom(300).withMinimumFrequency(0))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("minimum frequency");
        assertThatThrownBy(() -> BpeSettings.bloom(300).withMoreSpecialTokens(List.of("<s>")))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("twice");
        assertThatThrownBy(() -> BpeSettings.bloom(300).withMoreSpecialTokens(List.of("a")))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("byte letters");
    }

    private static TrainedBpe trained(BpeSettings settings, List<String> texts) {
        BpeTrainer trainer = new BpeTrainer(settings);
        texts.forEach(trainer::add);
        return trainer.train(size -> {});
    }

    /// Everything of a `tokenizer.json` but its words.
    private static String outline(Path path) throws IOException {
        ObjectNode root = (ObjectNode) TokenizerFile.JSON.readTree(path.toFile());
        ObjectNode model = (ObjectNode) root.get("model");
        model.putObject("vocab");
        model.putArray("merges");
        return root.toString();
    }

    private static List<TrainedBpe.Merge> mergesByCountingAnew(BpeSettings settings, List<String> texts, int limit) {
        List<String> order =
                new ArrayList<>(trained(BpeSettings.bloom(260).withPreTokenizer(settings.preTokenizer()), List.of())
                        .tokens());
        List<List<String>> words = new ArrayList<>();
        for (String text : texts) {
            settings.preTokenizer().split(text, piece -> {
                List<String> word = new ArrayList<>();
                for (byte value : piece.getBytes(StandardCharsets.UTF_8)) {
                    word.add(String.valueOf(ByteLetters.letter(value & 0xFF)));
                }
                words.add(word);
            });
        }
        List<TrainedBpe.Merge> merges = new ArrayList<>();
        while (order.size() < 260 + limit) {
            Map<TrainedBpe.Merge, Integer> counts = new HashMap<>();
            for (List<String> word : words) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    counts.merge(new TrainedBpe.Merge(word.get(i), word.get(i + 1)), 1, Integer::sum);
                }
            }
            Optional<Map.Entry<TrainedBpe.Merge, Integer>> most = counts.entrySet().stream()
                    .filter(entry -> entry.getValue() >= settings.minimumFrequency())
                    .min(Comparator.comparingInt((Map.Entry<TrainedBpe.Merge, Integer> entry) -> -entry.getValue())
                            .thenComparingInt(
                                    entry -> order.indexOf(entry.getKey().left()))
                            .thenComparingInt(
                                    entry -> order.indexOf(entry.getKey().right())));
            if (most.isEmpty()) {
                break;
            }
            TrainedBpe.Merge best = most.get().getKey();
            merges.add(best);
            String merged = best.left() + best.right();
            if (!order.contains(merged)) {
                order.add(merged);
            }
            for (List<String> word : words) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    if (word.get(i).equals(best.left()) && word.get(i + 1).equals(best.right())) {
                        word.set(i, merged);
                        word.remove(i + 1);
                    }
                }
            }
        }
        return merges;
    }
}
