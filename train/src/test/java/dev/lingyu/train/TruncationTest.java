package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.Message;
import dev.lingyu.dataset.Role;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatTemplates;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a row loses when it is too long, and what it never loses.
class TruncationTest {
    @TempDir
    Path directory;

    private Tokenizer tokenizer;
    private ChatEncoder encoder;

    @BeforeEach
    void open() throws IOException {
        Tiny.in(directory);
        tokenizer = Tokenizer.open(directory.resolve("tokenizer"));
        encoder = ChatEncoder.of(tokenizer, ChatTemplates.named("human-assistant"));
    }

    @AfterEach
    void close() {
        tokenizer.close();
    }

    private ChatRows.Made<TrainingRow> row(Conversation talk, int cutoff) {
        return new ChatRows(encoder, RowOptions.of(cutoff)).conversation(talk);
    }

    private String text(TrainingRow row) {
        return tokenizer.decode(row.ids(), false);
    }

    private int tokens(String text) {
        return tokenizer.encode(text).length;
    }

    private static String letters(String word, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(word).append(i).append('，');
        }
        return text.toString();
    }

    @Test
    void historyGoesFirstAndOnlyAsMuchAsNeeded() {
        Conversation talk = Conversation.of(
                        Message.user("第一问"), Message.assistant("第一答"),
                        Message.user("第二问"), Message.assistant("第二答"),
                        Message.user("第三问"), Message.assistant("第三答"))
                .withSystem("你是客服");
        int whole = row(talk, 10_000).row().orElseThrow().ids().length;
        ChatRows.Made<TrainingRow> made = row(talk, whole - 1);
        assertThat(made.cuts()).isEqualTo(new RowCuts(2, 0, 0, 0));
        assertThat(text(made.row().orElseThrow()))
                .contains("你是客服", "第二问", "第二答", "第三问", "第三答")
                .doesNotContain("第一");
    }

    @Test
    void theMiddleOfALongQuestionGoesBeforeTheAnswersTail() {
        Conversation talk = Conversation.of(
                        Message.user("开头" + letters("资料", 200) + "结尾是问题吗？"), Message.assistant("答案很短。"))
                .withSystem("你是客服");
        ChatRows.Made<TrainingRow> made = row(talk, 150);
        assertThat(made.cuts()).isEqualTo(new RowCuts(0, 1, 0, 0));
        assertThat(text(made.row().orElseThrow())).contains("你是客服", "Human: 开头", "结尾是问题吗？\n\nAssistant: 答案很短。</s>");
        assertThat(made.row().orElseThrow().ids().length).isBetween(130, 150);
    }

    @Test
    void aLongAnswerLosesItsTailAndGetsNoEndToken() {
        Conversation talk = Conversation.of(Message.user("短问？"), Message.assistant(letters("长答", 200)));
        ChatRows.Made<TrainingRow> made = row(talk, 100);
        TrainingRow row = made.row().orElseThrow();
        assertThat(made.cuts()).isEqualTo(new RowCuts(0, 0, 1, 0));
        assertThat(row.ids()).hasSize(100);
        assertThat(text(row)).contains("Human: 短问？\n\nAssistant: 长答0").doesNotContain("</s>");
        assertThat(row.labels()[99]).isEqualTo(row.ids()[99]);
    }

    @Test
    void aLongQuestionWithALongAnswerLeavesTheAnswerHalfOfTheRow() {
        Conversation talk =
                Conversation.of(Message.user(letters("问", 300) + "？"), Message.assistant(letters("答", 300)));
        ChatRows.Made<TrainingRow> made = row(talk, 200);
        assertThat(made.cuts()).isEqualTo(new RowCuts(0, 1, 1, 0));
        TrainingRow row = made.row().orElseThrow();
        assertThat(row.ids()).hasSize(200);
        assertThat(row.labelCount()).isBetween(95, 110);
        assertThat(text(row)).contains("？\n\nAssistant: 答0");
    }

    @Test
    void theSystemPromptStaysWholeUntilNothingElseIsLeft() {
        String system = letters("规则", 20);
        Conversation talk = Conversation.of(Message.user(letters("问", 100)), Message.assistant(letters("答", 100)))
                .withSystem(system);
        ChatRows.Made<TrainingRow> roomy = row(talk, tokens(system) + 80);
        assertThat(text(roomy.row().orElseThrow())).contains(system);
        ChatRows.Made<TrainingRow> tight = row(talk, tokens(system) + 20);
        assertThat(tight.cuts().shortened()).isEqualTo(2);
        assertThat(text(tight.row().orElseThrow())).contains("规则0").doesNotContain(system);
    }

    @Test
    void aRowThatLeavesNoRoomIsDroppedAndCounted() {
        Conversation talk = Conversation.of(Message.user(letters("问", 100)), Message.assistant(letters("答", 100)));
        assertThat(row(talk, 12)).isEqualTo(new ChatRows.Made<>(Optional.empty(), RowCuts.DROPPED));
        assertThat(row(Conversation.of(Message.user("问"), Message.assistant("  ")), 100)
                        .cuts())
                .isEqualTo(RowCuts.DROPPED);
    }

    @Test
    void whateverIsCutNoRowIsTooLongAndEveryTurnIsWhole() {
        Random random = new Random(17);
        String[] words = {"容量", "升", "，", " ", "\n", "😀", "👍🏽", "abc ", "🇨🇳", "é", "号"};
        for (int round = 0; round < 300; round++) {
            List<Message> turns = new ArrayList<>();
            int count = 2 * (1 + random.nextInt(4));
            for (int t = 0; t < count; t++) {
                StringBuilder text = new StringBuilder(t % 2 == 0 ? "问" : "答");
                for (int i = random.nextInt(random.nextBoolean() ? 5 : 120); i >= 0; i--) {
                    text.append(words[random.nextInt(words.length)]);
                }
                turns.add(new Message(
                        t % 2 == 0 ? Role.USER : Role.ASSISTANT,
                        text.append(t % 2 == 0 ? "？" : "。").toString()));
            }
            int cutoff = 80 + random.nextInt(200);
            ChatRows.Made<TrainingRow> made = row(Conversation.of(turns), cutoff);
            TrainingRow row = made.row().orElseThrow();
            String text = text(row);
            assertThat(row.ids().length).isLessThanOrEqualTo(cutoff);
            assertThat(row.labelCount()).isPositive();
            assertThat(text).contains("Human: 问").contains("？\n\nAssistant: 答");
            assertThat(text.split("Human: ", -1).length - 1)
                    .isEqualTo((turns.size() - made.cuts().historyTurns()) / 2);
            boolean ends = Arrays.stream(row.labels())
                    .skip(row.labels().length - 1L)
                    .allMatch(l -> l == tokenizer.eosTokenId().orElseThrow());
            assertThat(ends)
                    .as("an end token exactly where the answer is whole")
                    .isEqualTo(made.cuts().answers() == 0);
            if (made.cuts().equals(RowCuts.NONE)) {
                assertThat(row.ids())
                        .isEqualTo(encoder.training(ChatMessages.of(Conversation.of(turns)))
                                .ids());
            }
        }
    }
}
