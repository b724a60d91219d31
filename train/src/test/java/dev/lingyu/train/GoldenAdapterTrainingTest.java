package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.Adapter;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderWeights;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Loss, gradients and three AdamW steps of every recorded adapter, block by block, against what PEFT
/// computed.
class GoldenAdapterTrainingTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("lingyu.shared", "../../shared")).resolve("golden");

    @ParameterizedTest
    @CsvSource({
        "bloom-embedding-and-head,false",
        "bloom-embedding-and-head,true",
        "bloom-lora,false",
        "bloom-lora,true",
        "llama-embedding-and-head,false",
        "llama-embedding-dora,false",
        "llama-lora,false",
        "peft-bloom-all-linear,false",
        "peft-bloom-bias-rslora,true",
        "peft-bloom-dora,false",
        "peft-bloom-ia3,false",
        "peft-gpt2-conv1d,false",
        "peft-llama-all-linear,true",
        "peft-llama-dora,true",
        "peft-llama-ia3,false",
        "peft-llama-modules-to-save,false",
        "peft-llama-patterns-rslora,false",
        "peft-llama-regex,false"
    })
    void lossGradientsAndThreeStepsEqualTheReference(String name, boolean recompute) throws IOException {
        Path own = Path.of("../model/src/test/resources/adapters").resolve(name);
        Path directory = Files.isDirectory(own) ? own : GOLDEN.resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(directory), "Skipped: no golden fixtures at " + directory);
        JsonNode facts = new ObjectMapper().readTree(Files.readAllBytes(directory.resolve("expected.json")));
        SafetensorsFile golden = SafetensorsFile.open(directory.resolve("expected.safetensors"));
        Path base = directory.resolveSibling(facts.path("base").asText());
        // Not writable: a base that training wrote to would end the process.
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.load(base, ModelConfig.read(base), DType.F32, Device.CPU, false)) {
            Adapter adapter = decoder.adapters().load("golden", directory);
            decoder.adapters().use("golden");
            adapter.trainable(true);
            // The reference dropped nothing, though the adapters' settings say 0.05.
            decoder.dropout().enabled(false);
            List<TrainingRow> rows = GoldenTrainingTest.rows(golden);
            int labels = rows.stream().mapToInt(TrainingRow::labelCount).sum();
            try (AdamW optimizer = new AdamW(
                    adapter.parameters(),
                    new OptimizerSettings(OptimizerSettings.Kind.ADAMW, 0.9, 0.999, 1e-8, 0.01, false))) {
                CausalLmObjective objective = new CausalLmObjective(decoder, optimizer, recompute);
                for (int step = 0; step < 3; step++) {
                    CausalLmObjective.Outcome outcome = objective.accumulate(rows, 1.0 / labels);
                    double expected = facts.path("adamw")
                            .path("loss_before_each_step")
                            .path(step)
                            .asDouble();
                    GoldenTrainingTest.within(
                            Math.abs(outcome.meanLoss() - expected), 2e-5, name + " loss before step " + step);
                    if (step == 0) {
                        compareGradients(golden, adapter, optimizer, name);
                    }
                    optimizer.step(1e-3);
                    compare(golden, adapter, "adamw.step" + (step + 1) + ".", name);
                }
            }
        }
    }

    private static void compareGradients(SafetensorsFile golden, Adapter adapter, AdamW optimizer, String name) {
        assertThat(adapter.parameters()).isNotEmpty();
        double worst = 0;
        for (Parameter parameter : adapter.parameters()) {
            double difference = GoldenTrainingTest.largestDifference(
                    optimizer.gradientOf(parameter).toFloats(),
                    golden.tensor("grad." + parameter.name()).toFloats());
            worst = Math.max(worst, difference);
            assertThat(difference).as(name + " grad." + parameter.name()).isLessThanOrEqualTo(2e-5);
        }
        GoldenTrainingTest.within(
                worst,
                2e-5,
                name + " gradients, the worst of " + adapter.parameters().size());
    }

    private static void compare(SafetensorsFile golden, Adapter adapter, String prefix, String name) {
        Map<String, Parameter> ours = new HashMap<>();
        adapter.parameters().forEach(p -> ours.put(p.name(), p));
        double worst = 0;
        int compared = 0;
        for (String array : golden.names()) {
            if (array.startsWith(prefix)) {
                Parameter parameter = Objects.requireNonNull(ours.get(array.substring(prefix.length())), array);
                float[] expected = golden.tensor(array).toFloats();
                float[] got = parameter.value().toFloats();
                leaveOutNoise(golden, parameter, expected, got);
                double difference = GoldenTrainingTest.largestDifference(got, expected);
                assertThat(difference).as(name + " " + array).isLessThanOrEqualTo(5e-5);
                worst = Math.max(worst, difference);
                compared++;
            }
        }
        if (prefix.contains("step3")) {
            assertThat(compared).isPositive();
        }
        if (compared > 0) {
            GoldenTrainingTest.within(worst, 5e-5, name + " " + prefix + " the worst of " + compared);
        }
    }

    /// A bias on keys moves no probability, so its true gradient is 0, and Adam makes a full step out of the
    /// sign of whatever rounding left. Nothing else is below the reference's own noise.
    private static void leaveOutNoise(SafetensorsFile golden, Parameter parameter, float[] expected, float[] got) {
        if (!parameter.name().endsWith("query_key_value.base_layer.bias")) {
            return;
        }
        float[] gradient = golden.tensor("grad." + parameter.name()).toFloats();
        int left = 0;
        for (int i = 0; i < gradient.length; i++) {
            if (Math.abs(gradient[i]) < 2e-6) {
                got[i] = expected[i];
                left++;
            }
        }
        assertThat(left).as("the keys' third of the bias").isEqualTo(gradient.length / 3);
    }
}
