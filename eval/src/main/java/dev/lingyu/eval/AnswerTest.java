package dev.lingyu.eval;

import dev.lingyu.engine.Engine;
import dev.lingyu.engine.Generation;
import dev.lingyu.engine.GenerationListener;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatMessage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.IntConsumer;

/// Asks a model questions, greedily and many at a time, and counts the right answers.
public final class AnswerTest {
    private static final int IN_FLIGHT = 64;

    private AnswerTest() {}

    /// A question as it was answered.
    ///
    /// @param question what was asked
    /// @param expected the reference
    /// @param answer   what the model said
    /// @param right    what the check found
    public record Answered(String question, String expected, String answer, boolean right) {}

    /// The outcome of a test.
    ///
    /// @param answers in the order of the questions
    public record Outcome(List<Answered> answers) {
        public Outcome {
            answers = List.copyOf(answers);
        }

        /// How many answers were right.
        public int right() {
            return (int) answers.stream().filter(Answered::right).count();
        }

        /// The share of right answers.
        public Proportion accuracy() {
            return new Proportion(right(), answers.size());
        }
    }

    /// Asks every question.
    ///
    /// @param questions  rows of any kind
    /// @param question   what to ask for a row
    /// @param expected   the reference answer of a row
    /// @param check      whether an answer is right
    /// @param newTokens  the longest answer [tokens]
    /// @param progress   hears how many are answered
    public static <Q> Outcome run(
            Engine engine,
            List<Q> questions,
            java.util.function.Function<Q, String> question,
            java.util.function.Function<Q, String> expected,
            BiPredicate<Q, String> check,
            int newTokens,
            IntConsumer progress) {
        ChatEncoder encoder = engine.model().chatEncoder();
        SamplingParams params =
                SamplingParams.greedy().toBuilder().maxNewTokens(newTokens).build();
        ArrayDeque<Generation> running = new ArrayDeque<>();
        List<Answered> answers = new ArrayList<>(questions.size());
        for (int next = 0; answers.size() < questions.size(); ) {
            if (next < questions.size() && running.size() < IN_FLIGHT) {
                int[] ids = encoder.prompt(List.of(ChatMessage.of("user", question.apply(questions.get(next++)))));
                running.add(engine.submit(new GenerationRequest(ids, params), GenerationListener.none()));
            } else {
                Q row = questions.get(answers.size());
                String answer =
                        running.remove().await().choices().getFirst().text().strip();
                answers.add(new Answered(question.apply(row), expected.apply(row), answer, check.test(row, answer)));
                progress.accept(answers.size());
            }
        }
        return new Outcome(answers);
    }
}
