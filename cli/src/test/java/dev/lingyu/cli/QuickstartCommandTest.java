package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The whole chain, from raw text to a judged model, with a handful of updates instead of thousands.
class QuickstartCommandTest {
    @TempDir
    Path directory;

    private record Run(int code, String out, String err) {}

    private Run run(String... more) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] args = Stream.concat(
                        Stream.of("quickstart", "--dir", directory.toString(), "--no-serve"), Stream.of(more))
                .toArray(String[]::new);
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), args);
        return new Run(code, out.toString(), err.toString());
    }

    @Test
    void theChainRunsFromRawTextToAReportAndASecondStartPassesOverWhatIsDone() throws IOException {
        Run first = run("--size=small", "max_steps=4", "num_train_epochs=1");
        assertThat(first.err()).isEmpty();
        assertThat(first.code()).isZero();
        assertThat(first.out())
                .contains("[1/6]", "[6/6]", "held-out perplexity", "report.html", "lingyu serve --model");
        JsonNode report = new ObjectMapper().readTree(Files.readAllBytes(directory.resolve("report.json")));
        assertThat(report.path("perplexity_after").asDouble())
                .isLessThan(report.path("perplexity_before").asDouble());
        assertThat(report.path("questions_phrasings").asInt()).isEqualTo(306);
        assertThat(Files.readString(directory.resolve("report.html"))).contains("没见过的商品", "<!doctype html>");
        assertThat(directory.resolve("sft/model.safetensors")).exists();
        assertThat(directory.resolve("sft/chat_template.jinja")).exists();

        Run second = run("--size=small", "max_steps=4", "num_train_epochs=1");
        assertThat(second.code()).isZero();
        assertThat(second.out()).contains("done before: " + directory.resolve("pt"));
        assertThat(second.out()).contains("done before: " + directory.resolve("sft"));
    }

    @Test
    void anUnknownSettingIsRefusedBeforeAnythingIsTrained() {
        Run run = run("learning_rat=1");
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.err()).contains("Did you mean \"learning_rate\"?");
        assertThat(directory.resolve("pt")).doesNotExist();
    }

    @Test
    void onARealModelAnAdapterIsTrainedJudgedAndKeptAndWhatWasForgottenIsTold() throws IOException {
        Path base = TinyModel.write(directory.resolve("base"));
        directory = directory.resolve("on-base");
        String[] few = {"--base", base.toString(), "max_steps=2", "cutoff_len=96", "lora_rank=2"};
        Run first = run(few);
        assertThat(first.err()).isEmpty();
        assertThat(first.code()).isZero();
        assertThat(first.out()).contains("no chat template", "[6/6]", "general Chinese", "lingyu merge --model");
        assertThat(directory.resolve("sft/adapter_model.safetensors")).exists();
        assertThat(directory.resolve("sft/model.safetensors")).doesNotExist();
        JsonNode report = new ObjectMapper().readTree(Files.readAllBytes(directory.resolve("report.json")));
        assertThat(report.path("questions_before_sft").asInt()).isEqualTo(100);
        assertThat(report.path("questions_phrasings").asInt()).isEqualTo(186);
        JsonNode general = report.path("general_chinese");
        assertThat(general.path("questions").asInt()).isEqualTo(10);
        assertThat(general.path("perplexity_before").asDouble()).isPositive();
        assertThat(general.path("perplexity_after").asDouble())
                .isPositive()
                .isNotEqualTo(general.path("perplexity_before").asDouble());
        assertThat(Files.readString(directory.resolve("report.html")))
                .contains("153 facts about 40 products", "忘了什么", "times the base");

        Run second = run(few);
        assertThat(second.code()).isZero();
        assertThat(second.out())
                .contains("done before: " + directory.resolve("before.json"))
                .contains("done before: " + directory.resolve("pt"))
                .contains("done before: " + directory.resolve("sft"))
                .contains("done before: " + directory.resolve("after.json"));
        assertThat(run("max_steps=2").err()).contains("holds a quickstart on " + base, "--dir");
    }

    @Test
    void aBaseThatCanNotBeUsedIsRefusedInASentence() throws IOException {
        Path none = directory.resolve("none");
        assertThat(run("--base", none.toString()).err()).contains("--base " + none, "no such directory");
        Files.createDirectories(none);
        assertThat(run("--base", none.toString()).err()).contains(none + " is not a model directory");
        Path base = TinyModel.write(directory.resolve("base"));
        Files.delete(base.resolve("tokenizer.json"));
        Run run = run("--base", base.toString());
        assertThat(run.err()).contains("has no tokenizer.json");
        assertThat(run.code()).isEqualTo(2);
        Files.writeString(base.resolve("adapter_config.json"), "{}");
        assertThat(run("--base", base.toString()).err()).contains("is an adapter", "./lingyu merge");
        assertThat(directory.resolve("domain")).doesNotExist();
    }
}
