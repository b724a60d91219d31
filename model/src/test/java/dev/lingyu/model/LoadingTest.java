package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.NativeMemory;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// How weights come into memory: in any floating type, and with no more than a shard beyond the model itself.
class LoadingTest {
    private static final long SHARD_BYTES = 8 << 20;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "llama,F32,F32,true",
        "llama,F32,BF16,true",
        "llama,F32,F16,false",
        "llama,BF16,F32,true",
        "gpt2,F32,F32,true",
        "gpt2,F32,BF16,false",
        "gpt2,F16,BF16,true"
    })
    void thePeakOfLoadingIsTheModelAndOneShard(String family, DType saved, DType asked, boolean writable)
            throws IOException {
        Assumptions.assumeTrue(NativeMemory.bytesInUse().isPresent(), "Skipped: this C library counts no bytes.");
        ModelConfig config = config(family);
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.random(config, saved, 3)) {
            SafetensorsWriter.writeSharded(folder, DecoderWeights.tensors(decoder), SHARD_BYTES);
        }
        Files.write(
                folder.resolve("config.json"), config.toJson(saved).toString().getBytes());
        // Once without looking: code that is compiled for the first time takes memory of the same allocator.
        DecoderWeights.load(folder, config, asked, Device.CPU, writable).close();
        long before = NativeMemory.bytesInUse().orElseThrow();
        AtomicBoolean loading = new AtomicBoolean(true);
        AtomicLong peak = new AtomicLong();
        Thread sampler = Thread.ofPlatform().start(() -> {
            while (loading.get()) {
                peak.accumulateAndGet(NativeMemory.bytesInUse().orElse(0), Math::max);
                Thread.onSpinWait();
            }
        });
        try (Decoder decoder = DecoderWeights.load(folder, config, asked, Device.CPU, writable)) {
            loading.set(false);
            join(sampler);
            assertThat(decoder.dtype()).isEqualTo(asked);
            long model = decoder.parameters().stream()
                    .mapToLong(p -> p.value().byteCount())
                    .sum();
            long most = peak.get() - before;
            System.out.printf(
                    "loading %s %s as %s: model %.1f MB, peak %.1f MB beyond what was there%n",
                    family, saved, asked, model / 1e6, most / 1e6);
            assertThat(model).isGreaterThan(3 * SHARD_BYTES / 2);
            assertThat(most).isLessThanOrEqualTo(model + SHARD_BYTES);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static ModelConfig config(String family) {
        DecoderConfig.Builder shape = family.equals("gpt2")
                ? DecoderConfig.builder(new Position.Learned(64))
                        .norm(DecoderConfig.Norm.LAYER_NORM)
                        .activation(Activation.GELU_TANH)
                        .projections(DecoderConfig.Projections.FUSED_BY_KIND)
                        .biases(DecoderConfig.Biases.ALL)
                        .tiedHead(true)
                : DecoderConfig.builder(new Position.Rope(10000, 64, false, new RopeScaling.None()))
                        .gated(true);
        return ModelConfig.of(
                family,
                shape.vocabularySize(1000)
                        .hiddenSize(384)
                        .layers(6)
                        .heads(6)
                        .keyValueHeads(6)
                        .headSize(64)
                        .intermediateSize(1536)
                        .normEpsilon(1e-5)
                        .maxPositions(64)
                        .build(),
                new ModelConfig.SpecialTokens(OptionalInt.empty(), List.of(), OptionalInt.empty()));
    }
}
