package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.model.Adapter;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.Parameter;
import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.model.adapter.TargetModules;
import dev.lingyu.serve.Server;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `--adapter`, an adapter as `--model`, `merge` and `inspect`, as a user meets them.
class AdapterCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private static Path shared;

    private static Path base;
    private static Path first;
    private static Path second;

    @TempDir
    private Path folder;

    @BeforeAll
    static void makeAModelAndTwoAdapters() throws IOException {
        base = TinyModel.write(shared.resolve("base"));
        first = adapter("first", "q_proj", 1);
        second = adapter("second", "down_proj", 2);
    }

    private static Path adapter(String name, String module, long seed) throws IOException {
        Path directory = shared.resolve(name);
        try (LanguageModel model = LanguageModel.open(base, LanguageModel.Options.inference())) {
            LoraConfig config = LoraConfig.of(4, 8, TargetModules.of(new TargetModules.Names(List.of(module))));
            Adapter adapter = model.decoder().adapters().create(name, config, seed);
            try (Generator generator = Generator.seeded(seed)) {
                for (Parameter parameter : adapter.parameters()) {
                    try (Scope scope = Scope.open()) {
                        parameter.replace(
                                Tensor.zeros(DType.F32, parameter.value().shape())
                                        .normalInPlace(0, 0.5, generator));
                    }
                }
            }
            model.saveAdapter(adapter, directory, "../base");
        }
        return directory;
    }

    private JsonNode score(Object... model) throws IOException {
        Path rows = folder.resolve("rows.jsonl");
        Path scores = folder.resolve("scores.jsonl");
        Files.writeString(rows, "{\"text\":\"这款手机支持七天无理由退货吗？\"}\n");
        Invocation run =
                Invocation.of(Stream.concat(Stream.of("score", "--input", rows, "--output", scores), Stream.of(model))
                        .toArray());
        assertThat(run.exitCode()).as(run.err()).isZero();
        return JSON.readTree(Files.readString(scores));
    }

    private double logprob(Object... model) throws IOException {
        return score(model).path("logprob").asDouble();
    }

    @Test
    void anAdapterChangesTheScoresAndOpensByItselfToo() throws IOException {
        double plain = logprob("--model", base);
        double adapted = logprob("--model", base, "--adapter", first);
        assertThat(adapted).isNotEqualTo(plain);
        assertThat(logprob("--model", first)).isEqualTo(adapted);
        assertThat(logprob("--model", first, "--adapter", second))
                .isEqualTo(logprob("--model", base, "--adapter", first, "--adapter", second))
                .isNotEqualTo(adapted);
    }

    @Test
    void aMergedModelScoresAsTheAdaptedOneDid() throws IOException {
        Path merged = folder.resolve("merged");
        Invocation run =
                Invocation.of("merge", "--model", base, "--adapter", first, "--adapter", second, "--output", merged);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("first").contains("Wrote " + merged);
        assertThat(merged.resolve("tokenizer.json")).exists();
        assertThat(JSON.readTree(merged.resolve("run.json").toFile())
                        .path("parents")
                        .path("adapters"))
                .hasSize(2);
        assertThat(logprob("--model", merged))
                .isCloseTo(
                        logprob("--model", base, "--adapter", first, "--adapter", second),
                        org.assertj.core.data.Offset.offset(1e-4));
        Path alone = folder.resolve("alone");
        assertThat(Invocation.of("merge", "--model", first, "--output", alone).exitCode())
                .isZero();
        assertThat(logprob("--model", alone))
                .isCloseTo(logprob("--model", first), org.assertj.core.data.Offset.offset(1e-4));
    }

    @Test
    void whatCantBeDoneIsSaidInOneSentence() throws IOException {
        assertRefused(
                "there is no directory",
                "generate",
                "--model",
                base,
                "--adapter",
                folder.resolve("nowhere"),
                "--prompt",
                "七");
        assertRefused("not a PEFT adapter", "generate", "--model", base, "--adapter", base, "--prompt", "七");
        assertRefused("nothing to merge", "merge", "--model", base, "--output", folder.resolve("x"));
        assertRefused("not empty", "merge", "--model", base, "--adapter", first, "--output", base);
        assertRefused(
                "is called \"first\" too",
                "merge",
                "--model",
                base,
                "--adapter",
                first,
                "--adapter",
                first,
                "--output",
                folder.resolve("x"));
        Path orphan = folder.resolve("orphan");
        Files.createDirectories(orphan);
        Files.copy(first.resolve("adapter_model.safetensors"), orphan.resolve("adapter_model.safetensors"));
        Files.writeString(
                orphan.resolve("adapter_config.json"),
                Files.readString(first.resolve("adapter_config.json")).replace("../base", "someone/a-model"));
        assertRefused("someone/a-model", "generate", "--model", orphan, "--prompt", "七");
        assertThat(logprob("--model", base, "--adapter", orphan)).isEqualTo(logprob("--model", first));
    }

    private static void assertRefused(String why, Object... args) {
        Invocation run = Invocation.of(args);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
        assertThat(run.err()).contains(why);
    }

    @Test
    void inspectTellsTypeRankTargetsAndBase() throws IOException {
        Invocation run = Invocation.of("inspect", first);
        assertThat(run.exitCode()).as(run.err()).isZero();
        List<String> facts = run.out()
                .lines()
                .map(line -> line.strip().replaceAll("\\s+", " "))
                .toList();
        assertThat(facts)
                .contains("type LORA", "rank 4", "alpha 8", "target modules [\"q_proj\"]", "base model ../base")
                .contains("found at " + base, "parameters " + 2 * 2 * 4 * 16);
        Path other = Files.createDirectories(folder.resolve("other"));
        Files.writeString(other.resolve("adapter_config.json"), "{\"peft_type\":\"LOHA\",\"r\":4}");
        assertThat(Invocation.of("inspect", other).out())
                .contains("can't be used")
                .contains("not named");
    }

    @Test
    void eachAdapterIsAModelOfItsOwnBehindTheApi() throws IOException, InterruptedException {
        Map<String, Path> adapters = new LinkedHashMap<>();
        adapters.put("one", first);
        adapters.put("two", second);
        try (LanguageModel model = LanguageModel.open(base, LanguageModel.Options.inference());
                Engine engine = Engine.start(model, EngineOptions.defaults());
                AdaptedEngines adapted = AdaptedEngines.start(model, adapters, EngineOptions.defaults());
                Server server = adapted.addTo(Server.builder().port(0).model("base", engine), "base")
                        .start();
                HttpClient client = HttpClient.newHttpClient()) {
            JsonNode models = JSON.readTree(client.send(
                            HttpRequest.newBuilder(URI.create(server.url() + "/v1/models"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body());
            assertThat(models.path("data").findValuesAsText("id")).containsExactly("base", "one", "two");
            assertThat(models.path("data").path(0).path("parent").isNull()).isTrue();
            assertThat(models.path("data").path(1).path("parent").asText()).isEqualTo("base");
            for (String id : List.of("base", "one", "two", "base")) {
                String body = "{\"model\":\"" + id + "\",\"prompt\":\"这款手机\",\"max_tokens\":12,\"temperature\":0}";
                JsonNode answer = JSON.readTree(client.send(
                                HttpRequest.newBuilder(URI.create(server.url() + "/v1/completions"))
                                        .POST(HttpRequest.BodyPublishers.ofString(body))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString())
                        .body());
                Invocation alone = Invocation.of(
                        "generate",
                        "--model",
                        adapters.getOrDefault(id, base),
                        "--prompt",
                        "这款手机",
                        "--max-new-tokens",
                        12);
                assertThat(answer.path("choices").path(0).path("text").asText() + System.lineSeparator())
                        .as(id)
                        .isEqualTo(alone.out());
            }
        }
    }
}
