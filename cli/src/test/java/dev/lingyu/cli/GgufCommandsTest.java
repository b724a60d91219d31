package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// GGUF files in and out, as a user meets them: `export gguf`, a file as `--model`, `inspect` and `convert`.
class GgufCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private Path model;
    private Path file;

    @BeforeEach
    void exportAModel() throws IOException {
        model = TinyModel.write(folder.resolve("tiny"));
        Files.writeString(
                model.resolve("chat_template.jinja"),
                "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}bot:");
        file = folder.resolve("tiny.gguf");
        Invocation run = Invocation.of("export", "gguf", model, file, "--type", "f32");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("Wrote " + file);
    }

    @Test
    void aFileAnswersAsItsDirectoryDoes() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), """
                {"text":"这款手机"}
                {"messages":[{"role":"user","content":"七天内可以退货吗"}]}
                {"input_ids":[5,6,7]}
                """);
        assertThat(generated(file, rows)).isEqualTo(generated(model, rows));
    }

    @Test
    void aFileScoresAsItsDirectoryDoes() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"text\":\"支持的，签收后七天内可以退货。\"}\n");
        Invocation byFile = Invocation.of("score", "--model", file, "--input", rows, "--output", folder.resolve("a"));
        Invocation byFolder =
                Invocation.of("score", "--model", model, "--input", rows, "--output", folder.resolve("b"));
        assertThat(byFile.exitCode()).as(byFile.err()).isZero();
        assertThat(byFolder.exitCode()).as(byFolder.err()).isZero();
        assertThat(folder.resolve("a")).hasSameTextualContentAs(folder.resolve("b"));
    }

    @Test
    void aConvertedFileIsTheDirectoryThatItCameFrom() throws IOException {
        Path back = folder.resolve("back");
        Invocation run = Invocation.of("convert", file, back);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("Unpacked " + file, "on disk (F32 ", "in memory as float32", "Wrote " + back);
        assertThat(back).isDirectoryContaining("glob:**{config,tokenizer,tokenizer_config,generation_config,run}.json");
        assertThat(JSON.readTree(back.resolve("tokenizer_config.json").toFile())
                        .path("chat_template")
                        .asText())
                .isEqualTo(Files.readString(model.resolve("chat_template.jinja")));
        JsonNode config = JSON.readTree(back.resolve("config.json").toFile());
        assertThat(config.path("vocab_size").asInt()).isEqualTo(TinyModel.VOCABULARY);
        assertThat(config.path("torch_dtype").asText()).isEqualTo("float32");
        assertThat(JSON.readTree(back.resolve("run.json").toFile())
                        .path("parents")
                        .path("model")
                        .asText())
                .isEqualTo(file.toString());
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"text\":\"The order\"}\n");
        assertThat(generated(back, rows)).isEqualTo(generated(model, rows));
    }

    @Test
    void modelAndOutputMayBeGivenByName() {
        Path half = folder.resolve("half.gguf");
        Invocation export = Invocation.of("export", "gguf", "--model", file, "--output", half, "--type", "F16");
        assertThat(export.exitCode()).as(export.err()).isZero();
        Invocation convert =
                Invocation.of("convert", "--model", half, "--output", folder.resolve("half"), "--dtype", "bf16");
        assertThat(convert.exitCode()).as(convert.err()).isZero();
        assertThat(convert.out()).contains("F16 ", "in memory as bfloat16");
    }

    @Test
    void inspectTellsTheModelAndWhatUnpackingCosts() {
        Invocation run = Invocation.of("inspect", file);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out().lines().map(line -> line.replaceAll(" {2,}", " ")))
                .contains(
                        "kind model, one GGUF file of version 3",
                        "name tiny",
                        "family LLaMA (model_type llama)",
                        "layers 2",
                        "heads 2 of 8, 1 of keys and values",
                        "weights 0.1 MiB on disk (F32 0.1 MiB), 0.1 MiB in memory as float32")
                .anyMatch(line -> line.startsWith("tokenizer BPE, byte-level, 278 tokens"))
                .anyMatch(line -> line.startsWith("chat template 69 characters"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"f16", "bf16", "q8_0", "q4_0"})
    void everyTypeIsWrittenAndOpens(String type) throws IOException {
        Path other = folder.resolve(type + ".gguf");
        assertThat(Invocation.of("export", "gguf", model, other, "--type", type).exitCode())
                .isZero();
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"text\":\"The order\"}\n");
        assertThat(generated(other, rows)).hasSize(1);
    }

    @Test
    void wrongInputIsRefusedInASentence() throws IOException {
        refuses("There is no GGUF type \"q5\"; there are f32, f16", "export", "gguf", model, "x.gguf", "--type", "q5");
        refuses("The output is a folder", "export", "gguf", model, folder);
        refuses("would be overwritten", "export", "gguf", file, file);
        refuses("Say where it goes", "export", "gguf", model);
        refuses("Name the model", "convert");
        refuses("Say what to do: export gguf", "export");
        refuses("is not empty", "convert", file, model);
        Path damaged =
                Files.write(folder.resolve("damaged.gguf"), java.util.Arrays.copyOf(Files.readAllBytes(file), 20_000));
        refuses("damaged.gguf is cut off", "generate", "--model", damaged, "--prompt", "a");
        Path text = Files.writeString(folder.resolve("text.txt"), "no model, but a text that is long enough");
        refuses("text.txt is not a sound GGUF file", "generate", "--model", text, "--prompt", "a");
        Path config = Files.writeString(
                folder.resolve("sft.yaml"),
                "stage: sft\nmodel_name_or_path: " + file + "\ndataset: x\noutput_dir: " + folder.resolve("out"));
        refuses("lingyu convert FILE.gguf DIR", "train", config);
    }

    private static void refuses(String words, Object... args) {
        Invocation run = Invocation.of(args);
        assertThat(run.exitCode()).as(run.out() + run.err()).isEqualTo(2);
        assertThat(run.err()).contains(words).hasLineCount(1);
    }

    private List<String> generated(Path from, Path rows) throws IOException {
        Path answers = folder.resolve("answers.jsonl");
        Files.deleteIfExists(answers);
        Invocation run =
                Invocation.of("generate", "--model", from, "--input", rows, "--output", answers, "--max-new-tokens", 8);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return Files.readAllLines(answers);
    }
}
