package dev.lingyu.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.engine.Generation;
import dev.lingyu.engine.GenerationListener;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What a model in training answers to held-out rows, greedily: numbers say how far a run is, answers say
/// what it is learning. Kept in `eval_samples.jsonl`.
final class SampleAnswers {
    static final String FILE = "eval_samples.jsonl";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int NEW_TOKENS = 64;
    private static final int LONGEST_PROMPT_OF_TEXT = 32;

    private final LanguageModel model;
    private final List<TrainingRow> rows;

    /// @param rows the first documents are asked
    SampleAnswers(LanguageModel model, List<TrainingRow> rows, int count) {
        this.model = model;
        this.rows = rows.stream()
                .flatMap(row -> row.documents().stream())
                .filter(row -> promptLength(row) > 0)
                .limit(count)
                .toList();
    }

    /// Tokens before the first label; of a text that is trained as a whole, its first half.
    private static int promptLength(TrainingRow row) {
        int first = 0;
        while (first < row.labels().length && row.labels()[first] == TrainingRow.IGNORE) {
            first++;
        }
        return first == 0 ? Math.min(LONGEST_PROMPT_OF_TEXT, row.ids().length / 2) : first;
    }

    /// An answer beside what should have been said.
    record Answer(String prompt, String expected, String answer) {}

    /// Asks the model as it is now.
    List<Answer> ask() {
        if (rows.isEmpty() || model.tokenizer().isEmpty()) {
            return List.of();
        }
        Tokenizer tokenizer = model.requireTokenizer();
        SamplingParams greedy =
                SamplingParams.greedy().toBuilder().maxNewTokens(NEW_TOKENS).build();
        List<Generation> running = new ArrayList<>();
        List<Answer> answers = new ArrayList<>();
        try (Engine engine = Engine.start(model, EngineOptions.defaults())) {
            for (TrainingRow row : rows) {
                int[] prompt = Arrays.copyOf(row.ids(), promptLength(row));
                running.add(engine.submit(new GenerationRequest(prompt, greedy), GenerationListener.none()));
            }
            for (int i = 0; i < rows.size(); i++) {
                TrainingRow row = rows.get(i);
                int cut = promptLength(row);
                int end = Math.min(row.ids().length, cut + NEW_TOKENS);
                answers.add(new Answer(
                        tokenizer.decode(Arrays.copyOf(row.ids(), cut), true),
                        tokenizer.decode(Arrays.copyOfRange(row.ids(), cut, end), true),
                        running.get(i).await().choices().getFirst().text()));
            }
        }
        return answers;
    }

    /// Adds answers to the file; those of steps that are taken again were removed by [#forgetAfter].
    static void append(Path directory, int step, List<Answer> answers) throws IOException {
        List<String> lines = new ArrayList<>();
        for (Answer answer : answers) {
            ObjectNode row = JSON.createObjectNode();
            row.put("step", step);
            row.put("prompt", answer.prompt());
            row.put("expected", answer.expected());
            row.put("answer", answer.answer());
            lines.add(JSON.writeValueAsString(row));
        }
        Files.write(directory.resolve(FILE), lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /// All answers so far, oldest first; a line that a kill cut short is passed over.
    static List<JsonNode> read(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        List<JsonNode> rows = new ArrayList<>();
        if (Files.isRegularFile(file)) {
            for (String line : Files.readAllLines(file)) {
                try {
                    rows.add(JSON.readTree(line));
                } catch (JsonProcessingException e) {
                    continue;
                }
            }
        }
        return rows;
    }

    /// Removes the answers of steps after one.
    static void forgetAfter(Path directory, int step) throws IOException {
        Path file = directory.resolve(FILE);
        if (Files.isRegularFile(file)) {
            List<String> kept = new ArrayList<>();
            for (JsonNode row : read(directory)) {
                if (step > 0 && row.path("step").asInt() <= step) {
                    kept.add(JSON.writeValueAsString(row));
                }
            }
            Files.write(file, kept);
        }
    }
}
