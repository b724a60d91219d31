package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The benchmarks that ask what models can do: they run, and their JSON has what it promises.
class ModelBenchesTest {
    @TempDir
    private Path folder;

    @Test
    void extrapolationTrainsBothKindsAndReadsThreeLengths() throws IOException {
        Invocation run = Invocation.of(
                "bench",
                "extrapolate",
                "--steps",
                2,
                "--batch",
                2,
                "--length",
                16,
                "--hidden",
                32,
                "--layers",
                1,
                "--windows",
                2,
                "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = new ObjectMapper().readTree(run.out());
        assertThat(figures.path("trained_length").asInt()).isEqualTo(16);
        assertThat(figures.path("positions")
                        .valueStream()
                        .map(row -> row.path("positions").asText()))
                .containsExactly(
                        "ALiBi",
                        "RoPE",
                        "RoPE, linear × 2",
                        "RoPE, linear × 4",
                        "RoPE, dynamic × 2",
                        "RoPE, dynamic × 4");
        assertThat(figures.path("positions")).allSatisfy(row -> {
            for (String factor : new String[] {"1x", "2x", "4x"}) {
                assertThat(row.path("perplexity").path(factor).asDouble()).isGreaterThan(1);
            }
        });
        assertThat(Invocation.of("bench", "extrapolate", "--hidden", 33).exitCode())
                .isEqualTo(2);
    }

    @Test
    void aGivenModelIsReadAndABatchIsCompared() throws IOException {
        Path model = TinyModel.write(folder.resolve("tiny"));
        Invocation read = Invocation.of("bench", "extrapolate", "--model", model, "--length", 16, "--windows", 1);
        assertThat(read.exitCode()).as(read.err()).isZero();
        assertThat(read.out()).contains("RoPE, dynamic × 4");
        Invocation compared = Invocation.of(
                "bench",
                "batch-invariance",
                "--model",
                model,
                "--requests",
                3,
                "--max-new-tokens",
                4,
                "--batch-invariant",
                "--json");
        assertThat(compared.exitCode()).as(compared.err()).isZero();
        assertThat(new ObjectMapper().readTree(compared.out()).path("different").asInt(-1))
                .isZero();
    }
}
