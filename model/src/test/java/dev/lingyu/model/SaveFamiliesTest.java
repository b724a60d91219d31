package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsDirectory;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Load, save, load: bit for bit. What is saved stays in `target/saved-families`, where `interop/check-families` shows
/// it to transformers.
class SaveFamiliesTest {
    private static final Path SAVED = Path.of("target/saved-families");
    private static final long SHARD_BYTES = 100_000;

    @ParameterizedTest
    @MethodSource("dev.lingyu.model.Golden#decoderFamilies")
    void aSavedDecoderHoldsTheSameBitsUnderTheSameNames(String name) throws IOException {
        Golden golden = Golden.open(name);
        Path saved = emptied(SAVED.resolve(name));
        LanguageModel.Options plain = LanguageModel.Options.inference().with(DType.F32, Device.CPU);
        try (Scope scope = Scope.open();
                LanguageModel model = LanguageModel.open(golden.directory(), plain)) {
            model.save(saved, DType.F32);
            Set<String> expected = storedNames(golden.directory());
            expected.removeIf(model.config().family()::isComputed);
            assertThat(storedNames(saved)).isEqualTo(expected);
            assertSameBits(golden.directory(), saved);

            try (LanguageModel again = LanguageModel.open(saved, plain)) {
                assertThat(again.config().decoder()).isEqualTo(model.config().decoder());
                TokenBatch tokens = TokenBatch.of(golden.sequences("full.input_ids", "full.attention_mask"));
                assertThat(again.decoder().logits(tokens).toFloats())
                        .isEqualTo(model.decoder().logits(tokens).toFloats());
            }
        }
    }

    @Test
    void aSavedEncoderHoldsTheSameBitsUnderTheSameNames() throws IOException {
        Golden golden = Golden.open("bert");
        EncoderConfig config = EncoderConfig.read(golden.directory());
        Path saved = emptied(SAVED.resolve("bert"));
        try (Scope scope = Scope.open();
                Encoder encoder = EncoderWeights.load(golden.directory(), config, DType.F32, Device.CPU, false)) {
            save(saved, config.source(), EncoderWeights.tensors(encoder));
            assertThat(storedNames(saved)).isEqualTo(storedNames(golden.directory()));
            assertSameBits(golden.directory(), saved);
        }
    }

    private static Path emptied(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(Files.createDirectories(directory))) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        return directory;
    }

    private static void save(Path directory, Object json, Map<String, Tensor> tensors) throws IOException {
        Files.write(
                directory.resolve("config.json"),
                new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
        SafetensorsWriter.writeSharded(directory, tensors, SHARD_BYTES);
    }

    private static Set<String> storedNames(Path directory) {
        try (SafetensorsDirectory files = SafetensorsDirectory.open(directory)) {
            return files.names().stream().collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static void assertSameBits(Path original, Path saved) {
        try (SafetensorsDirectory before = SafetensorsDirectory.open(original);
                SafetensorsDirectory after = SafetensorsDirectory.open(saved)) {
            for (String name : after.names()) {
                assertThat(after.shape(name)).as(name).isEqualTo(before.shape(name));
                assertThat(after.tensor(name)
                                .bytes()
                                .mismatch(before.tensor(name).bytes()))
                        .as("first differing byte of " + name)
                        .isEqualTo(-1);
            }
        }
    }
}
