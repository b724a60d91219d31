package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Heads that score texts, against transformers' `…ForSequenceClassification` and DeepSpeed-Chat's reward model.
class GoldenScoringTest {
    private static final LanguageModel.Options INFERENCE = LanguageModel.Options.inference();

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bloom-seqcls", "llama-seqcls"})
    void scoresAreTheReferencesHoweverRowsArePaddedAndSurviveSaving(String name) throws IOException {
        Golden golden = Golden.open(name);
        assertThat(ScoringModel.isPresent(golden.directory())).isTrue();
        int pad = golden.facts().path("pad_token_id").asInt();
        // Where interop/check-families shows it to transformers.
        Path saved = Path.of("target/saved-families").resolve(name);
        try (Scope scope = Scope.open();
                ScoringModel model = ScoringModel.open(golden.directory(), INFERENCE)) {
            compare(golden, name, model, pad);
            model.save(saved, DType.F32);
        }
        try (Scope scope = Scope.open();
                ScoringModel again = ScoringModel.open(saved, INFERENCE)) {
            compare(golden, name + " saved and loaded", again, pad);
            SafetensorsFile before = SafetensorsFile.open(golden.directory().resolve("model.safetensors"));
            SafetensorsFile after = SafetensorsFile.open(saved.resolve("model.safetensors"));
            assertThat(after.names()).containsExactlyInAnyOrderElementsOf(before.names());
            for (String tensor : before.names()) {
                assertThat(after.tensor(tensor)
                                .bytes()
                                .mismatch(before.tensor(tensor).bytes()))
                        .as(tensor)
                        .isEqualTo(-1);
            }
        }
        assertThat(ModelConfig.read(saved).source().path("architectures").get(0).asText())
                .endsWith("ForSequenceClassification");
        assertThat(ModelConfig.read(saved).source().path("pad_token_id").asInt())
                .isEqualTo(pad);
    }

    @Test
    void anAdapterWithAHeadOfItsOwnScoresAsInPeftAndSurvivesSaving() throws IOException {
        Golden golden = Golden.open("llama-score");
        assertThat(ScoringModel.isPresent(golden.directory())).isTrue();
        // Where interop/check-adapters shows it to PEFT.
        Path saved = Path.of("target/saved-adapters/llama-score");
        try (Scope scope = Scope.open();
                ScoringModel model = ScoringModel.open(golden.directory(), INFERENCE)) {
            compare(golden, "llama-score", model, 0);
            float[] adapted = flat(model.scores(List.of(new int[] {9, 10, 11})));
            model.saveAdapter(model.trunk().adapters().get("default"), saved, "../base-llama");
            model.trunk().adapters().merge();
            compare(golden, "llama-score merged", model, 0);
            model.trunk().adapters().use();
            assertThat(flat(model.scores(List.of(new int[] {9, 10, 11})))).isNotEqualTo(adapted);
        }
        SafetensorsFile before = SafetensorsFile.open(golden.directory().resolve("adapter_model.safetensors"));
        SafetensorsFile after = SafetensorsFile.open(saved.resolve("adapter_model.safetensors"));
        assertThat(after.names()).containsExactlyInAnyOrderElementsOf(before.names());
        try (Scope scope = Scope.open();
                ScoringModel again =
                        ScoringModel.adapted(golden.directory().resolveSibling("base-llama"), saved, INFERENCE)) {
            compare(golden, "llama-score saved and loaded", again, 0);
        }
    }

    /// LLaMA-Factory's layout: the adapter has no head, a file beside it has one, with a bias.
    @Test
    void aHeadWithABiasBesideAnAdapterIsReadAndSavedAsOneModule() throws IOException {
        Golden golden = Golden.open("llama-score");
        Path base = golden.directory().resolveSibling("base-llama");
        Path directory = Files.createDirectory(folder.resolve("llama-factory"));
        Files.copy(golden.directory().resolve("adapter_config.json"), directory.resolve("adapter_config.json"));
        Path saved = folder.resolve("saved");
        List<int[]> rows = List.of(new int[] {9, 10, 11}, new int[] {12});
        try (Scope scope = Scope.open();
                ScoringModel plain = ScoringModel.open(golden.directory(), INFERENCE)) {
            SafetensorsFile stored = SafetensorsFile.open(golden.directory().resolve("adapter_model.safetensors"));
            Map<String, Tensor> lora = new LinkedHashMap<>();
            stored.names().stream()
                    .filter(name -> !name.contains("score"))
                    .forEach(name -> lora.put(name, stored.tensor(name)));
            SafetensorsWriter.write(directory.resolve("adapter_model.safetensors"), lora, Map.of());
            Tensor weight = stored.tensor("base_model.model.score.weight");
            SafetensorsWriter.write(
                    directory.resolve("value_head.safetensors"),
                    Map.of("v_head.summary.weight", weight, "v_head.summary.bias", Tensor.of(new float[] {0.5f})),
                    Map.of());
            try (ScoringModel model = ScoringModel.adapted(base, directory, INFERENCE)) {
                float[] expected = flat(plain.scores(rows));
                float[] found = flat(model.scores(rows));
                for (int i = 0; i < expected.length; i++) {
                    assertThat(found[i]).isCloseTo(expected[i] + 0.5f, within(1e-6f));
                }
                model.saveAdapter(model.trunk().adapters().get("default"), saved, base.toString());
                assertThat(AdapterConfig.read(saved).modulesToSave()).containsExactly("classifier", "score");
                try (ScoringModel again = ScoringModel.adapted(base, saved, INFERENCE)) {
                    assertThat(flat(again.scores(rows))).isEqualTo(found);
                }
            }
        }
    }

    @Test
    void anAdapterWithAHeadIsRefusedOnALanguageModel() throws IOException {
        Path adapter = Golden.open("llama-score").directory();
        assertThatThrownBy(() -> LanguageModel.open(adapter, INFERENCE))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("scores texts");
    }

    private static void compare(Golden golden, String name, ScoringModel model, int pad) {
        for (String batch : List.of("left", "right", "full", "loss")) {
            if (!golden.has(batch + ".scores")) {
                continue;
            }
            Tensor ids = golden.array(batch + ".input_ids");
            int columns = Math.toIntExact(ids.size(1));
            long[] all = ids.toLongs();
            List<int[]> rows = new ArrayList<>();
            for (int r = 0; r < ids.size(0); r++) {
                int[] padded = Arrays.stream(all, r * columns, (r + 1) * columns)
                        .mapToInt(Math::toIntExact)
                        .toArray();
                rows.add(ScoringModel.withoutPadding(padded, pad));
            }
            float[] found = flat(model.scores(rows));
            Golden.within(
                    Golden.largestDifference(
                            found, golden.array(batch + ".scores").toFloats()),
                    1e-4,
                    name + " " + batch + ".scores");
        }
    }

    private static float[] flat(float[][] rows) {
        float[] all = new float[rows.length];
        for (int i = 0; i < all.length; i++) {
            assertThat(rows[i]).hasSize(1);
            all[i] = rows[i][0];
        }
        return all;
    }

    @Test
    void valuesAtEveryPositionAreDeepSpeedsPaddingIncluded() throws IOException {
        Golden golden = Golden.open("bloom-rm");
        Path base = Golden.open("bloom").directory();
        try (Scope scope = Scope.open();
                ScoringModel model = ScoringModel.open(base, golden.directory(), INFERENCE)) {
            compareValues(golden, model, "bloom-rm values");
            Path saved = folder.resolve("rm");
            model.save(saved, DType.F32);
            try (ScoringModel again = ScoringModel.open(saved, INFERENCE)) {
                compareValues(golden, again, "bloom-rm values, saved and loaded");
            }
        }
    }

    /// The directory that DeepSpeed-Chat writes: the decoder under its wrapper's name, and the head beside it.
    @Test
    void deepSpeedsNamesAreRead() throws IOException {
        Golden golden = Golden.open("bloom-rm");
        Path base = Golden.open("bloom").directory();
        Path directory = Files.createDirectory(folder.resolve("deepspeed"));
        Files.copy(base.resolve("config.json"), directory.resolve("config.json"));
        try (Scope scope = Scope.open()) {
            SafetensorsFile trunk = SafetensorsFile.open(base.resolve("model.safetensors"));
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (String name : trunk.names()) {
                tensors.put(name.replaceFirst("^transformer\\.", "rwtranrsformer."), trunk.tensor(name));
            }
            SafetensorsFile head = SafetensorsFile.open(golden.directory().resolve("v_head.safetensors"));
            tensors.put("v_head.weight", head.tensor("v_head.weight"));
            SafetensorsWriter.writeSharded(directory, tensors, 1L << 30);
            assertThat(ScoringModel.isPresent(directory)).isTrue();
            try (ScoringModel model = ScoringModel.open(directory, INFERENCE)) {
                compareValues(golden, model, "bloom-rm values, DeepSpeed's names");
            }
        }
    }

    private static void compareValues(Golden golden, ScoringModel model, String what) {
        int pad = golden.facts().path("pad_id").asInt();
        Tensor ids = golden.array("input_ids");
        int columns = Math.toIntExact(ids.size(1));
        List<int[]> rows = golden.sequences("input_ids", "attention_mask");
        int[] lengths = new int[rows.size()];
        Arrays.fill(lengths, columns);
        float[] found = model.values(TokenBatch.padded(rows, lengths, pad)).toFloats();
        Golden.within(Golden.largestDifference(found, golden.array("values").toFloats()), 1e-4, what);
    }

    @Test
    void aLanguageModelIsNotTakenForAScoringOne() throws IOException {
        Path bloom = Golden.open("bloom").directory();
        assertThat(ScoringModel.isPresent(bloom)).isFalse();
        assertThatThrownBy(() -> ScoringModel.open(bloom, INFERENCE))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("has no head that scores")
                .hasMessageContaining("v_head.weight");
        try (ScoringModel fresh = ScoringModel.create(Golden.open("llama").directory(), INFERENCE, 1, 7)) {
            assertThat(fresh.scores(List.of(new int[] {9, 10}, new int[] {11}))).hasDimensions(2, 1);
        }
    }
}
