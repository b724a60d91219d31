package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `quantize`, and what commands make of what it writes, as a user meets them.
class QuantizeCommandTest {
    @TempDir
    private Path folder;

    private Path model;
    private Path text;

    @BeforeEach
    void makeAModelAndAText() throws IOException {
        model = TinyModel.write(folder.resolve("model"), 64);
        text = Files.writeString(folder.resolve("text.txt"), "这款手机支持七天无理由退货吗？可以，但须保持完好。");
    }

    @Test
    void writesADirectoryThatSaysHowItWasMadeAndTellsTheCost() throws IOException {
        Path target = folder.resolve("int4");
        Invocation run = Invocation.of("quantize", model, target, "--method", "int4-asymmetric", "--text", text);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out())
                .contains("matrices in int4-asymmetric")
                .contains("perplexity")
                .contains("logits differ");
        assertThat(new ObjectMapper()
                        .readTree(target.resolve("run.json").toFile())
                        .path("parents")
                        .path("method")
                        .asText())
                .isEqualTo("int4-asymmetric");

        Invocation inspected = Invocation.of("inspect", target);
        assertThat(inspected.out()).contains("4 bits, groups of 32 inputs with a scale and an offset");
        Invocation generated = Invocation.of("generate", "--model", target, "--prompt", "手机", "--max-tokens", 3);
        assertThat(generated.exitCode()).as(generated.err()).isZero();
    }

    @Test
    void roundsWhileLoadingAsItDoesForGood() throws IOException {
        Path target = folder.resolve("int8");
        assertThat(Invocation.of("quantize", "--model", model, "--output", target)
                        .exitCode())
                .isZero();
        String stored = Invocation.of("generate", "--model", target, "--prompt", "手机", "--max-tokens", 8)
                .out();
        String loaded = Invocation.of(
                        "generate", "--model", model, "--dtype", "int8", "--prompt", "手机", "--max-tokens", 8)
                .out();
        assertThat(loaded).isEqualTo(stored);
    }

    @Test
    void wrongWishesAreToldBeforeAnythingIsWritten() {
        Path target = folder.resolve("never");
        Invocation method = Invocation.of("quantize", model, target, "--method", "int3");
        assertThat(method.exitCode()).isEqualTo(2);
        assertThat(method.err()).contains("--method is int3; expected int8, int8-asymmetric, int4, int4-asymmetric.");
        Invocation full = Invocation.of("quantize", model, model);
        assertThat(full.exitCode()).isEqualTo(2);
        assertThat(target).doesNotExist();
    }

    @Test
    void aModelWithoutWholeGroupsIsToldSo() throws IOException {
        Path narrow = TinyModel.write(folder.resolve("narrow"), 16);
        Invocation run = Invocation.of("quantize", narrow, folder.resolve("never"));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("no matrix").contains("multiple of 32");
    }
}
