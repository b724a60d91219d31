package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.adapter.Ia3Config;
import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.model.adapter.TargetModules;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Adapters saved into `target/saved-adapters`, where `interop/check-adapters` shows them to PEFT: the
/// recorded ones, and new ones of every kind on every family, each with what it computes here.
class SaveAdaptersTest {
    private static final Path SAVED = Path.of("target/saved-adapters");

    @ParameterizedTest
    @MethodSource("dev.lingyu.model.GoldenAdapterTest#adapters")
    void aRecordedAdapterKeepsItsSettings(String name) throws IOException {
        Golden golden = Golden.open(name);
        Path saved = emptied(SAVED.resolve(name));
        Path base =
                golden.directory().resolveSibling(golden.facts().path("base").asText());
        try (Decoder decoder = DecoderWeights.load(base, ModelConfig.read(base), DType.F32, Device.CPU, false)) {
            Adapter adapter = decoder.adapters().load(name, golden.directory());
            adapter.save(saved, adapter.config().base().orElseThrow());
            AdapterConfig again = AdapterConfig.read(saved);
            assertThat(again).isEqualTo(adapter.config());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "bloom, lora, word_embeddings",
        "bloom, dora, ''",
        "bloom, biases, ln_f",
        "bloom, ia3, ''",
        "gpt2, lora, wte",
        "gpt2, dora, c_fc",
        "gpt2, biases, ''",
        "gpt2, ia3, ''",
        "llama-gqa, lora, lm_head",
        "llama-gqa, dora, embed_tokens",
        "llama-gqa, ia3, norm",
        "llama-rope-llama3, lora, embed_tokens",
        "mistral, lora, mlp",
        "qwen2, biases, q_proj",
        "qwen2, dora, ''",
        "qwen3, lora, q_norm",
        "bloom, tables, ''",
        "gpt2, tables, ''",
        "llama-gqa, tables, ''",
        "llama-gqa, dora tables, ''",
        "qwen2, dora tables, ''",
        "glm, tables, ''",
        "glm, lora, ''",
        "glm, biases, lm_head",
        "glm, dora, ''"
    })
    void aNewAdapterIsSavedWithWhatItComputes(String family, String kind, String whole) throws IOException {
        Golden golden = Golden.open(family);
        Path saved = emptied(
                SAVED.resolve("new-" + kind.replace(' ', '-') + (whole.isEmpty() ? "" : "-" + whole) + "--" + family));
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.load(
                        golden.directory(), ModelConfig.read(golden.directory()), DType.F32, Device.CPU, false)) {
            List<String> copies = whole.isEmpty() ? List.of() : List.of(whole);
            Adapter adapter = decoder.adapters().create("new", config(kind, copies), 3);
            try (Generator generator = Generator.seeded(5)) {
                for (Parameter parameter : adapter.parameters()) {
                    parameter.replace(parameter
                            .value()
                            .add(Tensor.zeros(DType.F32, parameter.value().shape())
                                    .normalInPlace(0, 0.1, generator)));
                }
            }
            decoder.adapters().use("new");
            adapter.save(saved, golden.directory().toAbsolutePath().normalize().toString());
            List<int[]> ids = golden.sequences("full.input_ids", "full.attention_mask");
            Tensor logits = decoder.logits(TokenBatch.of(ids));
            SafetensorsWriter.write(
                    saved.resolve("ours.safetensors"),
                    Map.of("input_ids", golden.array("full.input_ids"), "logits", logits),
                    Map.of("format", "pt"));
            assertThat(Golden.largestDifference(
                            logits.toFloats(), golden.array("full.logits").toFloats()))
                    .as("what the adapter changes")
                    .isGreaterThan(0.1);
        }
    }

    private static AdapterConfig config(String kind, List<String> copies) {
        TargetModules all = TargetModules.of(
                kind.endsWith("tables")
                        ? new TargetModules.Regex(".*(embed_tokens|word_embeddings|wte|wpe|lm_head)|lm_head")
                        : new TargetModules.AllLinear());
        boolean biases = kind.equals("biases");
        return kind.equals("ia3")
                ? new Ia3Config(
                        TargetModules.of(
                                new TargetModules.Regex(".*(k_proj|c_attn|query_key_value|down_proj|4h_to_h)")),
                        Optional.of(new TargetModules.Regex(".*(down_proj|4h_to_h)")),
                        copies,
                        Optional.empty())
                : new LoraConfig(
                        4,
                        6,
                        0.1,
                        biases ? new TargetModules(all.selection(), Optional.empty(), List.of(1), List.of()) : all,
                        copies,
                        biases ? LoraConfig.Bias.ALL : LoraConfig.Bias.NONE,
                        biases,
                        kind.startsWith("dora"),
                        Map.of("down_proj|c_fc|dense", 2.0),
                        Map.of("layers.0.self_attn.o_proj", 3.0),
                        false,
                        Optional.empty());
    }

    private static Path emptied(Path directory) throws IOException {
        Files.createDirectories(directory);
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        return directory;
    }
}
