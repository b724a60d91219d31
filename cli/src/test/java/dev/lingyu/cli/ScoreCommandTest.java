package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private static Path shared;

    private static Path model;

    @TempDir
    private Path folder;

    @BeforeAll
    static void makeAModel() throws IOException {
        model = TinyModel.write(shared.resolve("tiny"));
    }

    @Test
    void rowsBecomeLogProbabilitiesAndAPerplexity() throws IOException {
        Invocation run = score(file("{\"input_ids\":[9,10,11]}", "{\"text\":\"七天内可以退货\"}", "{\"input_ids\":[9]}"));
        assertThat(run.exitCode()).as(run.err()).isZero();
        List<JsonNode> rows = written();
        assertThat(rows).hasSize(3);
        double sum = 0;
        int predicted = 0;
        for (JsonNode row : rows) {
            assertThat(row.properties().stream().map(field -> field.getKey()))
                    .containsExactly("token_logprobs", "logprob", "tokens");
            JsonNode logprobs = row.path("token_logprobs");
            assertThat(logprobs).hasSize(row.path("tokens").asInt());
            assertThat(logprobs.get(0).isNull()).isTrue();
            double own = 0;
            for (int i = 1; i < logprobs.size(); i++) {
                assertThat(logprobs.get(i).asDouble()).isNegative();
                own += logprobs.get(i).asDouble();
            }
            assertThat(row.path("logprob").asDouble()).isCloseTo(own, within(1e-4));
            sum += own;
            predicted += logprobs.size() - 1;
        }
        assertThat(rows.get(0).path("tokens").asInt()).isEqualTo(3);
        assertThat(rows.get(2).path("logprob").asDouble()).isZero();
        Matcher said = Pattern.compile(
                        "perplexity ([0-9.]+) = exp\\(mean negative log-likelihood [0-9.]+\\) over (\\d+)")
                .matcher(run.out());
        assertThat(said.find()).as(run.out()).isTrue();
        assertThat(Double.parseDouble(said.group(1))).isCloseTo(Math.exp(-sum / predicted), within(1e-3));
        assertThat(Integer.parseInt(said.group(2))).isEqualTo(predicted);
    }

    @Test
    void whatGreedyDecodingChoosesIsWhatScoresBest() throws IOException {
        Path rows = file("{\"input_ids\":[9,10,11]}");
        Path answers = folder.resolve("answers.jsonl");
        assertThat(Invocation.of(
                                "generate",
                                "--model",
                                model,
                                "--input",
                                rows,
                                "--output",
                                answers,
                                "--max-new-tokens",
                                1)
                        .exitCode())
                .isZero();
        int chosen =
                JSON.readTree(Files.readString(answers)).path("new_ids").get(0).asInt();
        String[] all = java.util.stream.IntStream.range(0, TinyModel.VOCABULARY)
                .mapToObj(id -> "{\"input_ids\":[9,10,11," + id + "]}")
                .toArray(String[]::new);
        assertThat(score(file(all)).exitCode()).isZero();
        List<JsonNode> scores = written();
        double total = 0;
        int best = 0;
        for (int id = 0; id < scores.size(); id++) {
            double logprob = scores.get(id).path("token_logprobs").get(3).asDouble();
            total += Math.exp(logprob);
            best = logprob > scores.get(best).path("token_logprobs").get(3).asDouble() ? id : best;
        }
        assertThat(best).isEqualTo(chosen);
        assertThat(total).isCloseTo(1, within(1e-4));
    }

    @Test
    void rowsMayBeLongerThanTheContext() throws IOException {
        assertThat(score(file("{\"input_ids\":" + java.util.Collections.nCopies(3000, 9) + "}"))
                        .exitCode())
                .isZero();
        assertThat(written().getFirst().path("tokens").asInt()).isEqualTo(3000);
    }

    @Test
    void wrongInputIsNamedAndNothingIsWritten() throws IOException {
        refuses(
                file("{\"input_ids\":[9]}", "{\"messages\":[]}"),
                ", row 2: expected exactly one of the fields input_ids, text");
        refuses(file("{\"input_ids\":[9,-1]}"), ", row 1, field \"input_ids[1]\": expected a token id from 0 to");
        refuses(file("{\"text\":null}"), ", row 1, field \"text\": expected a string, found null.");
        refuses(file(""), ": expected one JSON object a line, found no row.");
        refuses(Files.write(folder.resolve("rows.jsonl"), new byte[] {'{', (byte) 0xff}), ": expected UTF-8");
        Invocation noOutput = Invocation.of("score", "--model", model, "--input", file("{\"text\":\"a\"}"));
        assertThat(noOutput.exitCode()).isEqualTo(2);
        assertThat(noOutput.err()).contains("Missing required option: '--output=F.jsonl'");
        Invocation intoFolder =
                Invocation.of("score", "--model", model, "--input", file("{\"text\":\"a\"}"), "--output", folder);
        assertThat(intoFolder.exitCode()).isEqualTo(2);
        assertThat(intoFolder.err()).contains("--output is the folder");
    }

    private void refuses(Path rows, String sentence) {
        Invocation run = score(rows);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).startsWith("lingyu: " + rows + sentence).hasLineCount(1);
        assertThat(folder.resolve("scores.jsonl")).doesNotExist();
    }

    private Invocation score(Path rows) {
        return Invocation.of("score", "--model", model, "--input", rows, "--output", folder.resolve("scores.jsonl"));
    }

    private List<JsonNode> written() throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("scores.jsonl"))) {
            rows.add(JSON.readTree(line));
        }
        return rows;
    }

    private Path file(String... lines) throws IOException {
        return Files.writeString(folder.resolve("rows.jsonl"), String.join("\n", lines) + "\n");
    }
}
