package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The benchmarks of speed: their JSON has what scripts rely on; how fast anything is, no test says.
class SpeedBenchesTest {
    @Test
    void trainingTellsItsSpeedBesideTheLimitOfTheSameRun() throws IOException {
        Invocation run = Invocation.of(
                "bench", "train", "--shape", "quickstart", "--seq", 32, "--accumulation", 2, "--steps", 1, "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = new ObjectMapper().readTree(run.out());
        double speed = figures.path("tokens_per_second").asDouble();
        double peak = figures.path("gemm_peak_gflops").asDouble();
        assertThat(speed).isPositive();
        assertThat(peak).isPositive();
        // 4 blocks of 12 · 256² weights, and the head of 2,048 words.
        long weights = 4 * 12 * 256 * 256 + 2048 * 256;
        assertThat(figures.path("matmul_parameters").asLong()).isEqualTo(weights);
        assertThat(figures.path("mfu").asDouble()).isEqualTo(6.0 * weights * speed / 1e9 / peak);
    }

    @Test
    void underLoraTheBaseCountsFourTimesAndTheAdapterSixOnRandomAndOnRealWeights(@TempDir Path directory)
            throws IOException {
        Path model = TinyModel.write(directory.resolve("model"));
        JsonNode random = trained("--lora", 2, "--shape", "quickstart");
        JsonNode real = trained("--lora", 2, "--model", model);
        // r · (in + out) of each matrix: 4 blocks of 3·256, 256, 4·256 → and back, of 256.
        long adapter = 2 * 4 * (4 * 256 + 2 * 256 + 5 * 256 + 5 * 256);
        assertLora(random, 4 * 12 * 256 * 256 + 2048 * 256, adapter);
        // 2 blocks: q and o of 16 × 16, k and v of 8 × 16, gate and up of 24 × 16, down of 16 × 24; head and embedding
        // apart.
        long base = 2 * (2 * 16 * 16 + 2 * 8 * 16 + 3 * 24 * 16) + TinyModel.VOCABULARY * 16;
        assertLora(real, base, 2 * 2 * (2 * 32 + 2 * 24 + 3 * 40));
        assertThat(real.path("shape").asText()).isEqualTo(model.toString());
    }

    private static JsonNode trained(Object... what) throws IOException {
        List<Object> arguments = new ArrayList<>(List.of("bench", "train", "--seq", 16, "--steps", 1, "--json"));
        arguments.addAll(List.of(what));
        Invocation run = Invocation.of(arguments.toArray());
        assertThat(run.exitCode()).as(run.err()).isZero();
        return new ObjectMapper().readTree(run.out());
    }

    private static void assertLora(JsonNode figures, long base, long adapter) {
        assertThat(figures.path("trained_parameters").asLong()).isEqualTo(adapter);
        assertThat(figures.path("matmul_parameters").asLong()).isEqualTo(base + adapter);
        double flops = figures.path("mfu").asDouble()
                * figures.path("gemm_peak_gflops").asDouble()
                * 1e9
                / figures.path("tokens_per_second").asDouble();
        assertThat(flops).isCloseTo(4.0 * base + 6.0 * adapter, withinPercentage(0.001));
    }

    @Test
    void decodingTellsItsSpeedBesideTheLimitOfTheSameRun() throws IOException {
        Invocation run =
                Invocation.of("bench", "decode", "--shape", "quickstart", "--batch", "2,1", "--new", 2, "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = new ObjectMapper().readTree(run.out());
        // 4 blocks of 12 · 256² weights, and the head of 2,048 words, of 2 bytes each.
        double bytes = 2 * (4 * 12 * 256 * 256 + 2048 * 256);
        assertThat(figures.path("bytes_per_step").asDouble()).isEqualTo(bytes);
        assertThat(figures.path("runs")).hasSize(2);
        JsonNode two = figures.path("runs").get(0);
        double steps = two.path("tokens_per_second").asDouble() / 2;
        assertThat(steps).isPositive();
        assertThat(two.path("bandwidth_fraction").asDouble())
                .isCloseTo(bytes * steps / 1e9 / two.path("read_gbps").asDouble(), withinPercentage(0.001));
    }

    @Test
    void quantisedDecodingReadsFewerBytes() throws IOException {
        Invocation run = Invocation.of(
                "bench", "decode", "--shape", "quickstart", "--dtype", "int4", "--batch", 1, "--new", 1, "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        // 4.5 bits per weight, scales included.
        assertThat(new ObjectMapper().readTree(run.out()).path("bytes_per_step").asDouble())
                .isEqualTo(4.5 / 8 * (4 * 12 * 256 * 256 + 2048 * 256));
    }

    @Test
    void prefillTellsItsSpeedBesideTheLimitOfTheSameRun() throws IOException {
        Invocation run =
                Invocation.of("bench", "prefill", "--shape", "quickstart", "--length", 40, "--runs", 1, "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = new ObjectMapper().readTree(run.out());
        double operations = 2.0 * (4 * 12 * 256 * 256 * 40 + 2048 * 256);
        double seconds = 40 / figures.path("tokens_per_second").asDouble();
        assertThat(figures.path("gemm_fraction").asDouble())
                .isCloseTo(
                        operations
                                / seconds
                                / 1e9
                                / figures.path("gemm_peak_gflops").asDouble(),
                        withinPercentage(0.001));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --shape | bloom-9 | expected one of bloom-560m
            --steps | 0       | --steps from 1
            --seq   | 1       | --seq is a whole number from 2
            --lora  | -1      | expected a rank
            --model | nowhere | no model directory nowhere
            --dtype | f8      | Unknown dtype
            """)
    void wrongSettingsAreToldBeforeAnythingIsMeasured(String option, String value, String sentence) {
        Invocation run = Invocation.of("bench", "train", option, value);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(sentence);
        assertThat(run.out()).isEmpty();
    }
}
