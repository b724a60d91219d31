package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;
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

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --shape | bloom-9 | expected one of bloom-560m
            --steps | 0       | --steps from 1
            --seq   | 1       | --seq is a whole number from 2
            --dtype | f8      | Unknown dtype
            """)
    void wrongSettingsAreToldBeforeAnythingIsMeasured(String option, String value, String sentence) {
        Invocation run = Invocation.of("bench", "train", option, value);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(sentence);
        assertThat(run.out()).isEmpty();
    }
}
