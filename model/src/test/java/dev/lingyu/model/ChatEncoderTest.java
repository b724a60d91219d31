package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a model reads before an answer must be the same in training and in serving, token for token.
class ChatEncoderTest {
    @TempDir
    Path directory;

    private static final List<ChatMessage> TALK = List.of(
            ChatMessage.of("user", "这款冰箱 😀 多大？"),
            ChatMessage.of("assistant", "有450升。"),
            ChatMessage.of("user", "退货呢 👍🏽"),
            ChatMessage.of("assistant", "七天无理由。"));

    /// BLOOM's cut lets a space and the word behind it be one token: the trap.
    private Tokenizer bloomLike() {
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(320));
        for (int i = 0; i < 50; i++) {
            trainer.add("User: 这款冰箱多大？\n\nBot: 有450升。");
            trainer.add("Bot: 七天无理由。");
        }
        trainer.train(merges -> {}).save(directory);
        return Tokenizer.open(directory);
    }

    private static ChatEncoder encoder(Tokenizer tokenizer) {
        return new ChatEncoder(tokenizer, ChatTemplates.named(ChatTemplates.DEFAULT), Map.of("eos_token", "</s>"));
    }

    @Test
    void aPlainTokenizationWouldGlueTheSpaceToTheAnswer() {
        try (Tokenizer tokenizer = bloomLike()) {
            int[] prompt = tokenizer.encode("Bot: ");
            int[] whole = tokenizer.encode("Bot: 有450升。");
            assertThat(Arrays.copyOf(whole, prompt.length)).isNotEqualTo(prompt);
        }
    }

    @Test
    void everyGenerationPromptIsAPrefixOfPromptAndAnswer() {
        try (Tokenizer tokenizer = bloomLike()) {
            assertPrefixes(encoder(tokenizer), TALK);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bloom-format", "gpt-2", "llama-spm"})
    void promptsAreAlsoPrefixesWithRealVocabularies(String name) {
        Path folder = Golden.SHARED.resolve("golden/tokenizers").resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(folder), "Skipped: no golden tokenizers at " + folder);
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            Random random = new Random(5);
            String[] words = {"有", "450", " ", "升", "。", "\n", "😀", "ok", "  ", "Bot:", "a b", "!", "退货"};
            for (int round = 0; round < 100; round++) {
                List<ChatMessage> talk = new ArrayList<>();
                for (int turn = 0; turn < 4; turn++) {
                    StringBuilder text = new StringBuilder();
                    for (int i = 0; i <= random.nextInt(5); i++) {
                        text.append(words[random.nextInt(words.length)]);
                    }
                    talk.add(ChatMessage.of(turn % 2 == 0 ? "user" : "assistant", text.toString()));
                }
                assertPrefixes(encoder(tokenizer), talk);
            }
        }
    }

    private static void assertPrefixes(ChatEncoder encoder, List<ChatMessage> talk) {
        for (int turns = 1; turns < talk.size(); turns += 2) {
            int[] prompt = encoder.prompt(talk.subList(0, turns));
            ChatEncoder.EncodedChat whole = encoder.training(talk.subList(0, turns + 1));
            assertThat(Arrays.copyOf(whole.ids(), prompt.length))
                    .as("ids before the answer in " + talk.subList(0, turns + 1))
                    .isEqualTo(prompt);
            for (int i = prompt.length; i < whole.ids().length; i++) {
                assertThat(whole.answer()[i])
                        .as("token " + i + " is the answer's")
                        .isTrue();
            }
        }
    }

    @Test
    void exactlyTheAnswersAndTheirEndTokensAreMarkedBehindEmoji() {
        try (Tokenizer tokenizer = bloomLike()) {
            ChatEncoder.EncodedChat chat = encoder(tokenizer).training(TALK);
            List<Integer> answer = new ArrayList<>();
            List<Integer> rest = new ArrayList<>();
            for (int i = 0; i < chat.ids().length; i++) {
                (chat.answer()[i] ? answer : rest).add(chat.ids()[i]);
            }
            assertThat(text(tokenizer, answer)).isEqualTo("有450升。</s>七天无理由。</s>");
            assertThat(text(tokenizer, rest)).isEqualTo("User: 这款冰箱 😀 多大？\n\nBot: User: 退货呢 👍🏽\n\nBot: ");
        }
    }

    @Test
    void anAnswerInTheHistoryIsTokenizedAsItWasLearned() {
        try (Tokenizer tokenizer = bloomLike()) {
            ChatEncoder encoder = encoder(tokenizer);
            int[] learned = encoder.training(TALK.subList(0, 2)).ids();
            int[] later = encoder.prompt(TALK.subList(0, 3));
            assertThat(Arrays.copyOf(later, learned.length)).isEqualTo(learned);
        }
    }

    private static String text(Tokenizer tokenizer, List<Integer> ids) {
        return tokenizer.decode(ids.stream().mapToInt(i -> i).toArray(), false);
    }

    @Test
    void textsBeyondFiveHundredTokensAreWhole() throws IOException {
        try (Tokenizer tokenizer = bloomLike()) {
            String longText = "这款冰箱多大？".repeat(500);
            ChatEncoder.EncodedChat chat = encoder(tokenizer)
                    .training(List.of(ChatMessage.of("user", longText), ChatMessage.of("assistant", "450升")));
            assertThat(chat.ids().length).isGreaterThan(512);
            assertThat(tokenizer.decode(chat.ids(), true)).contains(longText).endsWith("450升");
        }
    }
}
