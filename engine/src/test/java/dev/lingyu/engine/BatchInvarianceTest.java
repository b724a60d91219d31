package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderConfig;
import dev.lingyu.model.DecoderWeights;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Position;
import dev.lingyu.model.RopeScaling;
import dev.lingyu.model.RowTiles;
import dev.lingyu.model.TokenBatch;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// What a request gets does not depend on what runs beside it.
class BatchInvarianceTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("lingyu.shared", "../../shared")).resolve("golden");

    /// The same bits for a sequence alone, and at any place among others, with fixed tiles.
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16", "F16"})
    void featuresAreTheSameBitsWhateverStandsBeside(DType dtype) {
        DecoderConfig shape = DecoderConfig.builder(new Position.Rope(10000, 32, false, new RopeScaling.None()))
                .vocabularySize(1000)
                .hiddenSize(256)
                .layers(3)
                .heads(8)
                .keyValueHeads(4)
                .headSize(32)
                .intermediateSize(704)
                .normEpsilon(1e-5)
                .gated(true)
                .maxPositions(256)
                .initializerRange(0.05)
                .build();
        ModelConfig config = ModelConfig.of(
                "llama", shape, new ModelConfig.SpecialTokens(OptionalInt.empty(), List.of(), OptionalInt.empty()));
        Random random = new Random(3);
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.random(config, dtype, 7)) {
            int[] row = row(random, 21);
            float[] alone = values(decoder, List.of(row), 0);
            for (int trial = 0; trial < 12; trial++) {
                List<int[]> rows = new ArrayList<>();
                for (int i = random.nextInt(6); i >= 0; i--) {
                    rows.add(row(random, 1 + random.nextInt(40)));
                }
                int place = random.nextInt(rows.size() + 1);
                rows.add(place, row);
                assertThat(values(decoder, rows, place)).isEqualTo(alone);
            }
        }
    }

    private static int[] row(Random random, int length) {
        return random.ints(length, 0, 1000).toArray();
    }

    /// Logits of one of several sequences.
    private static float[] values(Decoder decoder, List<int[]> rows, int place) {
        try (Scope scope = Scope.open()) {
            TokenBatch batch = TokenBatch.of(rows);
            List<dev.lingyu.model.KvCache> caches = rows.stream()
                    .map(r -> new dev.lingyu.model.KvCache(decoder, 64))
                    .toList();
            float[] all = decoder.head(decoder.features(batch, caches, RowTiles.FIXED), RowTiles.FIXED)
                    .toFloats();
            caches.forEach(dev.lingyu.model.KvCache::close);
            int from = rows.subList(0, place).stream().mapToInt(r -> r.length).sum() * 1000;
            return Arrays.copyOfRange(all, from, from + rows.get(place).length * 1000);
        }
    }

    @ParameterizedTest
    @CsvSource({"bloom,F32,false", "llama-gqa,F32,false", "bloom,BF16,true", "llama-gqa,BF16,true", "qwen3,BF16,true"})
    void aSeedGivesTheSameTokensAloneAndInAMixedBatch(String name, DType dtype, boolean batchInvariant) {
        Path directory = GOLDEN.resolve(name);
        Assumptions.assumeTrue(Files.isDirectory(directory), "Skipped: no golden fixtures at " + directory);
        Random random = new Random(5);
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            prompts.add(random.ints(3 + random.nextInt(20), 8, 500).toArray());
        }
        EngineOptions options = EngineOptions.defaults().withBatchInvariant(batchInvariant);
        try (LanguageModel model = LanguageModel.open(
                        directory, LanguageModel.Options.inference().with(dtype, Device.CPU));
                Engine engine = Engine.start(model, options)) {
            List<int[]> alone = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                alone.add(engine.generate(new GenerationRequest(prompts.get(i), params(i)))
                        .choices()
                        .getFirst()
                        .ids());
            }
            List<Generation> together = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                together.add(
                        engine.submit(new GenerationRequest(prompts.get(i), params(i)), GenerationListener.none()));
            }
            for (int i = 0; i < prompts.size(); i++) {
                assertThat(together.get(i).await().choices().getFirst().ids())
                        .as("request " + i)
                        .isEqualTo(alone.get(i));
            }
        }
    }

    private static SamplingParams params(int index) {
        return SamplingParams.builder()
                .maxNewTokens(20 + 5 * index)
                .ignoreEos(true)
                .seed(index)
                .build();
    }
}
