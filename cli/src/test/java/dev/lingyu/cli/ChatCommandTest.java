package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatCommandTest {
    @TempDir
    private static Path shared;

    private static Path model;

    @BeforeAll
    static void makeAModel() throws IOException {
        model = TinyModel.write(shared.resolve("tiny"));
    }

    @Test
    void eachLineIsAQuestionAndTheOutputHoldsTheAnswersAlone() {
        Invocation run = chat("七天\n/exit\nnever asked\n", "--decoder", "greedy", "--max-new-tokens", 6);
        assertThat(run.exitCode()).as(run.err()).isZero();
        Invocation answer = Invocation.of(
                "generate", "--model", model, "--message", "七天", "--decoder", "greedy", "--max-new-tokens", 6);
        assertThat(run.out()).isEqualTo(answer.out());
        assertThat(run.err()).contains("no chat template", "user-bot");
    }

    @Test
    void theEndOfInputLeavesAndEmptyLinesAskNothing() {
        Invocation run = chat("\n  \n", "--max-new-tokens", 4);
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).isEmpty();
    }

    @Test
    void resetForgetsAndWithoutItTheFirstQuestionIsRemembered() {
        Object[] settings = {"--decoder", "greedy", "--max-new-tokens", 8};
        String alone = chat("退货\n", settings).out();
        assertThat(chat("七天\n退货\n", settings).out()).doesNotEndWith(alone);
        Invocation reset = chat("七天\n/reset\n退货\n", settings);
        assertThat(reset.out()).endsWith(alone);
        assertThat(reset.err()).contains("Forgotten.");
    }

    @Test
    void theSystemPromptGoesBefore() {
        Object[] settings = {"--decoder", "greedy", "--max-new-tokens", 8, "--system", "店"};
        assertThat(chat("退货\n", settings).out())
                .isEqualTo(Invocation.of(
                                "generate",
                                "--model",
                                model,
                                "--message",
                                "退货",
                                "--decoder",
                                "greedy",
                                "--max-new-tokens",
                                8,
                                "--system",
                                "店")
                        .out());
    }

    @Test
    void aConversationThatOutgrowsTheContextLosesItsOldestTurnsAndSaysSo() {
        Invocation run = chat("七天无理由退货吗\n".repeat(12), "--decoder", "greedy", "--max-new-tokens", 8);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err())
                .contains("outgrew this model's context of " + TinyModel.POSITIONS + " tokens", "forgotten");
    }

    @Test
    void aQuestionThatIsTooLongByItselfIsRefusedAndTheNextOneAnswered() {
        Invocation run = chat("z".repeat(200) + "\n退货\n", "--decoder", "greedy", "--max-new-tokens", 8);
        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).contains("That question has", "ask in fewer words");
        assertThat(run.out())
                .endsWith(chat("退货\n", "--decoder", "greedy", "--max-new-tokens", 8)
                        .out());
    }

    @Test
    void wrongOptionsAreRefusedInASentence() {
        for (List<String> wrong : List.of(
                List.of("--top-p", "2", "top_p is 2; expected a number from 0 to 1"),
                List.of("--dtype", "q4", "Unknown dtype \"q4\""),
                List.of("--modle", "x", "did you mean '--model'?"))) {
            Invocation run = chat("", wrong.get(0), wrong.get(1));
            assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
            assertThat(run.err()).contains(wrong.get(2)).hasLineCount(1);
        }
    }

    private static Invocation chat(String typed, Object... args) {
        List<Object> all = new ArrayList<>(List.of("chat", "--model", model));
        all.addAll(List.of(args));
        return Invocation.withInput(typed, all.toArray());
    }
}
