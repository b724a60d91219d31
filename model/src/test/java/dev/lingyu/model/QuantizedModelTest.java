package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.kernel.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Models whose matrices are of 8 or 4 bits.
class QuantizedModelTest {
    private static final LanguageModel.Options PLAIN =
            new LanguageModel.Options(Optional.of(DType.F32), Device.CPU, false);
    private static final int[] IDS = {5, 17, 3, 60, 41, 8, 22, 9, 30, 2, 11, 25};

    @TempDir
    Path directory;

    static Stream<Arguments> familiesAndMethods() {
        return Stream.of("bloom", "llama-gqa", "gpt2", "glm")
                .flatMap(family -> Stream.of(Quantization.values()).map(method -> Arguments.of(family, method)));
    }

    @ParameterizedTest
    @MethodSource("familiesAndMethods")
    void savedAndLoadedItGivesTheSameLogitsAndThoseOfItsUnpackedWeights(String family, Quantization method)
            throws IOException {
        Path source = Golden.open(family).directory();
        float[] rounded;
        try (LanguageModel model =
                LanguageModel.open(source, PLAIN.quantized(new WeightQuantization(method, true, true)))) {
            assertThat(model.quantization()).contains(method);
            rounded = logits(model);
            model.save(directory, DType.F32);
            // As plain weights of the same values.
            try (Scope scope = Scope.open()) {
                model.decoder().parameters().stream()
                        .filter(p -> p.quantized().isPresent())
                        .forEach(p -> p.replace(p.value()));
            }
            assertThat(model.quantization()).isEmpty();
            assertClose(logits(model), rounded, 1e-4f);
        }
        JsonNode config = new ObjectMapper().readTree(Files.readAllBytes(directory.resolve("config.json")));
        assertThat(config.path("quantization_config").path("method").asText()).isEqualTo(method.label());
        try (LanguageModel again = LanguageModel.open(directory, PLAIN)) {
            assertThat(logits(again)).isEqualTo(rounded);
        }
        assertThatThrownBy(() -> LanguageModel.open(directory, PLAIN.quantized(WeightQuantization.of(method))))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("the weights are " + method + " already");
    }

    @Test
    void eightBitsStayNearTheModel() throws IOException {
        Path source = Golden.open("llama-gqa").directory();
        try (LanguageModel plain = LanguageModel.open(source, PLAIN);
                LanguageModel rounded =
                        LanguageModel.open(source, PLAIN.quantized(WeightQuantization.of(Quantization.INT8)))) {
            float[] exact = logits(plain);
            float largest = 0;
            for (float logit : exact) {
                largest = Math.max(largest, Math.abs(logit));
            }
            assertClose(logits(rounded), exact, 0.05f * largest);
        }
    }

    @Test
    void headAndEmbeddingAreRoundedByChoice() throws IOException {
        Path source = Golden.open("llama-gqa").directory();
        LanguageModel.Options blocks = PLAIN.quantized(WeightQuantization.ofBlocks(Quantization.INT4));
        try (LanguageModel model = LanguageModel.open(source, blocks)) {
            assertThat(model.decoder().head().quantized()).isEmpty();
            assertThat(model.decoder().tokenEmbedding().quantized()).isEmpty();
            assertThat(model.decoder().matmulWeights().stream()
                            .filter(p -> p != model.decoder().head() && p.shape()[1] % 32 == 0))
                    .allMatch(p -> p.quantized().isPresent());
        }
    }

    @Test
    void refusesWhatItCantRead() throws IOException {
        Path source = Golden.open("llama-gqa").directory();
        try (Stream<Path> files = Files.list(source)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, directory.resolve(file.getFileName()));
            }
        }
        Path config = directory.resolve("config.json");
        ObjectNode json = (ObjectNode) new ObjectMapper().readTree(Files.readAllBytes(config));
        json.putObject("quantization_config").put("quant_method", "gptq");
        Files.write(config, new ObjectMapper().writeValueAsBytes(json));
        assertThatThrownBy(() -> LanguageModel.open(directory, PLAIN))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("quant_method \"gptq\"");
    }

    private static float[] logits(LanguageModel model) {
        try (Scope scope = Scope.open()) {
            return model.decoder().logits(TokenBatch.of(IDS)).toFloats();
        }
    }

    private static void assertClose(float[] found, float[] expected, float tolerance) {
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).isCloseTo(expected[i], within(tolerance));
        }
    }
}
