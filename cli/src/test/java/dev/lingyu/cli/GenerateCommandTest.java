package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerateCommandTest {
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
    void aPromptIsContinuedWithTheNewTextAlone() {
        Invocation first = generate("--prompt", "这款手机", "--max-new-tokens", 12);
        assertThat(first.err()).isEmpty();
        assertThat(first.exitCode()).isZero();
        assertThat(first.out()).endsWith(System.lineSeparator()).doesNotStartWith("这款手机");
        assertThat(first.out().strip()).isNotEmpty();
        assertThat(generate("--prompt", "这款手机", "--max-new-tokens", 12).out()).isEqualTo(first.out());
    }

    @Test
    void beamSearchPrintsItsBestAnswersAndContrastiveSearchOne() {
        Invocation beam = generate(
                "--prompt",
                "这款手机",
                "--decoder",
                "beam",
                "--num-beams",
                3,
                "--length-penalty",
                0.5,
                "--early-stopping",
                "never",
                "--n",
                2,
                "--max-new-tokens",
                8);
        assertThat(beam.err()).isEmpty();
        assertThat(beam.out()).contains("--- 1 of 2 ---").contains("--- 2 of 2 ---");
        Object[] contrastive = {"--prompt", "这款手机", "--penalty-alpha", 0.5, "--top-k", 3, "--max-new-tokens", 8};
        Invocation first = generate(contrastive);
        assertThat(first.err()).isEmpty();
        assertThat(first.exitCode()).isZero();
        assertThat(generate(contrastive).out()).isEqualTo(first.out());
        // No weight on likeness: the most probable token.
        assertThat(generate("--prompt", "这款手机", "--penalty-alpha", 0, "--max-new-tokens", 8)
                        .out())
                .isEqualTo(generate("--prompt", "这款手机", "--max-new-tokens", 8).out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --decoder greedy --num-beams 3           | --num-beams is a setting of beam search
            --num-beams 3 --penalty-alpha 0.5        | --penalty-alpha is a setting of contrastive search
            --decoder beam --temperature 0.5         | draws nothing at random
            --decoder contrastive --seed 3           | draws nothing at random
            --decoder contrastive --n 2              | same answer every time
            --decoder beam --n 5                     | num_beams
            --early-stopping soon                    | true, false or never
            """)
    void settingsThatDoNotGoTogetherAreRefused(String options, String sentence) {
        List<Object> args = new ArrayList<>(List.of("--prompt", "x"));
        args.addAll(List.of(options.split(" ")));
        Invocation refused = generate(args.toArray());
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).contains(sentence);
    }

    @Test
    void aMessageIsAnsweredThroughTheChatTemplate() throws IOException {
        Path rows =
                file("{\"messages\":[{\"role\":\"system\",\"content\":\"店\"},{\"role\":\"user\",\"content\":\"退货\"}]}");
        JsonNode row = rows(rows, "--max-new-tokens", 6).getFirst();
        Invocation printed = generate("--message", "退货", "--system", "店", "--max-new-tokens", 6);
        assertThat(printed.exitCode()).isZero();
        assertThat(printed.out()).isEqualTo(row.path("text").asText() + System.lineSeparator());
        assertThat(generate("--prompt", "退货", "--max-new-tokens", 6).out()).isNotEqualTo(printed.out());
    }

    @Test
    void rowsOfEveryKindAreAnsweredInTheirOrder() throws IOException {
        Path rows = file(
                "{\"input_ids\":[9,10,11],\"note\":1}",
                "{\"text\":\"七天\"}",
                "",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"The order\"}]}",
                "{\"text\":\"七天\"}");
        List<JsonNode> answers = rows(rows, "--max-new-tokens", 5);
        assertThat(answers).hasSize(4);
        assertThat(ids(answers.get(0), "prompt_ids")).containsExactly(9, 10, 11);
        assertThat(answers.get(1)).isEqualTo(answers.get(3));
        assertThat(answers).allSatisfy(answer -> {
            assertThat(answer.properties().stream().map(field -> field.getKey()))
                    .containsExactly("prompt_ids", "new_ids", "text");
            assertThat(ids(answer, "new_ids")).hasSizeBetween(1, 5);
            assertThat(answer.path("text").isTextual()).isTrue();
        });
        assertThat(generate("--prompt", "七天", "--max-new-tokens", 5).out())
                .isEqualTo(answers.get(1).path("text").asText() + System.lineSeparator());
    }

    @Test
    void theBatchSizeChangesNothing() throws IOException {
        String[] lines = Stream.iterate(4, i -> i + 1)
                .limit(40)
                .map(i -> "{\"input_ids\":[" + i + "," + (i + 3) + "]}")
                .toArray(String[]::new);
        Path rows = file(lines);
        List<JsonNode> one = rows(rows, "--max-new-tokens", 4, "--batch-size", 1);
        assertThat(one).hasSize(40);
        assertThat(rows(rows, "--max-new-tokens", 4, "--batch-size", 16)).isEqualTo(one);
    }

    @Test
    void aSeedGivesTheSameRowsAgainAndEqualPromptsDifferentOnes() throws IOException {
        Path rows = file("{\"text\":\"七天\"}", "{\"text\":\"七天\"}");
        Object[] settings = {"--temperature", "1.5", "--seed", "7", "--n", "2", "--max-new-tokens", 16};
        List<JsonNode> first = rows(rows, settings);
        assertThat(first).hasSize(4).doesNotHaveDuplicates();
        assertThat(rows(rows, settings)).isEqualTo(first);
    }

    @Test
    void nAnswersToAPromptAreNumbered() {
        Invocation run = generate("--prompt", "七天", "--n", 2, "--max-new-tokens", 3, "--seed", 1);
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("--- 1 of 2 ---", "--- 2 of 2 ---");
    }

    @Test
    void aModelWithoutTokenizerTakesIds() throws IOException {
        Path bare = Files.createDirectory(folder.resolve("bare"));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(model.resolve(name), bare.resolve(name));
        }
        Path out = folder.resolve("out.jsonl");
        Invocation run = Invocation.of(
                "generate",
                "--model",
                bare,
                "--input",
                file("{\"input_ids\":[9,10]}"),
                "--output",
                out,
                "--max-new-tokens",
                4);
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode row = JSON.readTree(Files.readString(out));
        assertThat(ids(row, "new_ids")).hasSizeBetween(1, 4);
        assertThat(row.path("text").asText("none")).isEmpty();
        Invocation text = Invocation.of("generate", "--model", bare, "--prompt", "七天");
        assertThat(text.exitCode()).isEqualTo(2);
        assertThat(text.err()).contains("no tokenizer.json");
    }

    /// The second row is the bad one; nothing may be left of the output, old content must stay.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"text\":5}|, row 2, field \"text\": expected a string, found 5.",
                "{\"txt\":\"a\"}|, row 2: expected exactly one of the fields messages, text, input_ids, found the fields txt.",
                "{\"text\":\"a\",\"input_ids\":[5]}|, row 2: expected exactly one of the fields messages, text, input_ids, found text and input_ids.",
                "{\"input_ids\":[5,9999]}|, row 2, field \"input_ids[1]\": expected a token id from 0 to ",
                "{\"input_ids\":[5,\"a\"]}|, row 2, field \"input_ids[1]\": expected a token id from 0 to ",
                "{\"input_ids\":[]}|, row 2, field \"input_ids\": expected at least one token, found [].",
                "{\"text\":\"\"}|, row 2, field \"text\": expected at least one token, found \"\".",
                "{\"messages\":[{\"role\":\"user\"}]}|, row 2, field \"messages[0].content\": expected a string, found nothing.",
                "{\"messages\":[{\"role\":\"judge\",\"content\":\"a\"}]}|, row 2, field \"messages\": ",
                "{\"messages\":[]}|, row 2, field \"messages\": expected a list of at least one",
                "[1]|, row 2: expected a JSON object {…}, found [1].",
                "{\"text\":\"a\"|, row 2: expected a JSON object, found invalid JSON",
            })
    void aBadRowIsNamedAndNothingIsWritten(String row, String sentence) throws IOException {
        Path rows = file("{\"text\":\"好\"}", row);
        Path out = Files.writeString(folder.resolve("answers.jsonl"), "old\n");
        Invocation run = generate("--input", rows, "--output", out);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).startsWith("lingyu: " + rows + sentence).hasLineCount(1);
        assertThat(Files.readString(out)).isEqualTo("old\n");
        assertThat(filesIn(folder)).containsExactlyInAnyOrder("rows.jsonl", "answers.jsonl");
    }

    @Test
    void aPromptLongerThanTheContextIsNamedWithItsRoom() throws IOException {
        Path rows = file("{\"input_ids\":" + java.util.Collections.nCopies(TinyModel.POSITIONS, 9) + "}");
        Invocation run = generate("--input", rows, "--output", folder.resolve("out.jsonl"));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("row 1, field \"input_ids\": expected at most 95 tokens", "found 96");
    }

    @Test
    void wrongOptionsAreRefusedInASentence() throws IOException {
        Path rows = file("{\"text\":\"好\"}");
        refuses("temperature is -1; expected", "--prompt", "a", "--temperature", "-1");
        refuses("decoder is \"best\"; expected greedy", "--prompt", "a", "--decoder", "best");
        refuses("Give exactly one of --prompt");
        refuses("Give exactly one of --prompt", "--prompt", "a", "--message", "b");
        refuses("--input and --output belong together", "--input", rows);
        refuses("--system goes with --message", "--prompt", "a", "--system", "b");
        refuses("--dtype is int64; expected f32, bf16 or f16", "--prompt", "a", "--dtype", "int64");
        refuses(
                "--device is cuda; weights in int8 run on the CPU",
                "--prompt",
                "a",
                "--dtype",
                "int8",
                "--device",
                "cuda");
        refuses("Unknown device \"tpu\"", "--prompt", "a", "--device", "tpu");
        refuses("is the input file", "--input", rows, "--output", rows);
        refuses("does not exist", "--input", folder.resolve("none.jsonl"), "--output", folder.resolve("o.jsonl"));
        refuses("--prompt is empty", "--prompt", "");
        Invocation missing = Invocation.of("generate", "--model", folder.resolve("nowhere"), "--prompt", "a");
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err()).contains("There is no model directory");
    }

    @Test
    void halfPrecisionGeneratesToo() {
        for (String dtype : List.of("bf16", "f16")) {
            Invocation run = generate("--prompt", "七天", "--max-new-tokens", 3, "--dtype", dtype);
            assertThat(run.exitCode()).as(run.err()).isZero();
        }
    }

    private static void refuses(String sentence, Object... args) {
        Invocation run = generate(args);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
        assertThat(run.err()).contains(sentence).hasLineCount(1);
        assertThat(run.out()).isEmpty();
    }

    private static Invocation generate(Object... args) {
        List<Object> all = new ArrayList<>(List.of("generate", "--model", model));
        all.addAll(List.of(args));
        return Invocation.of(all.toArray());
    }

    private List<JsonNode> rows(Path input, Object... args) throws IOException {
        Path output = folder.resolve("out.jsonl");
        List<Object> all = new ArrayList<>(List.of("--input", input, "--output", output));
        all.addAll(List.of(args));
        Invocation run = generate(all.toArray());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains(output.toString());
        List<JsonNode> rows = new ArrayList<>();
        for (String line : Files.readAllLines(output)) {
            rows.add(JSON.readTree(line));
        }
        return rows;
    }

    private Path file(String... lines) throws IOException {
        return Files.writeString(folder.resolve("rows.jsonl"), String.join("\n", lines) + "\n");
    }

    private static List<String> filesIn(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(p -> p.getFileName().toString()).toList();
        }
    }

    private static int[] ids(JsonNode row, String field) {
        return row.path(field).valueStream().mapToInt(JsonNode::asInt).toArray();
    }
}
