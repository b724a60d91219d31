package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.model.gguf.GgufModel;
import dev.lingyu.model.gguf.GgufPrecision;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.gguf.GgufType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Every family that GGUF files can hold, written to one and opened from it, against the arrays that its reference
/// implementation computed.
class GoldenGgufTest {
    @TempDir
    private Path folder;

    static List<String> families() {
        return List.of("bloom", "bloom-nhead5", "llama", "llama-gqa", "llama-rope-llama3", "mistral", "qwen2", "qwen3");
    }

    @ParameterizedTest
    @MethodSource("families")
    void logitsOfAnExportedFileEqualTheReference(String name) throws IOException {
        Golden golden = Golden.open(name);
        Path file = export(golden, GgufPrecision.F32);
        try (Scope scope = Scope.open();
                LanguageModel model = LanguageModel.open(file, LanguageModel.Options.inference())) {
            assertThat(model.decoder().dtype()).isEqualTo(DType.F32);
            for (String batch : List.of("left", "right", "full")) {
                String mask = batch + ".attention_mask";
                TokenBatch tokens = TokenBatch.of(golden.sequences(batch + ".input_ids", mask));
                Golden.within(
                        golden.largestDifferenceAtRealPositions(
                                model.decoder().features(tokens, List.of()), batch + ".last_hidden", mask),
                        1e-4,
                        name + " as GGUF, " + batch + ".last_hidden");
                Golden.within(
                        golden.largestDifferenceAtRealPositions(
                                model.decoder().logits(tokens), batch + ".logits", mask),
                        1e-4,
                        name + " as GGUF, " + batch + ".logits");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void configAndWeightsComeBackAsTheyWere(String name) throws IOException {
        Golden golden = Golden.open(name);
        Path file = export(golden, GgufPrecision.F32);
        try (LanguageModel before = LanguageModel.open(golden.directory(), LanguageModel.Options.inference());
                LanguageModel after = LanguageModel.open(file, LanguageModel.Options.inference())) {
            // A GGUF file has no place for the deviation of fresh weights.
            assertThat(after.config().decoder().toBuilder()
                            .initializerRange(0.02)
                            .build())
                    .isEqualTo(before.config().decoder().toBuilder()
                            .initializerRange(0.02)
                            .build());
            assertThat(after.config().family()).isSameAs(before.config().family());
            if (before.tokenizer().isPresent()) {
                assertThat(after.endTokens()).isEqualTo(before.endTokens());
            }
            Map<String, Tensor> expected = DecoderWeights.tensors(before.decoder());
            Map<String, Tensor> found = DecoderWeights.tensors(after.decoder());
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            expected.forEach(
                    (weight, tensor) -> assertThat(found.get(weight).bytes().mismatch(tensor.bytes()))
                            .as(name + " " + weight)
                            .isEqualTo(-1));
        }
    }

    @ParameterizedTest
    @EnumSource(GgufPrecision.class)
    void eachPrecisionStoresMatricesInItsTypeAndKeepsNormsAndBiases(GgufPrecision precision) throws IOException {
        Golden golden = Golden.open("qwen2");
        Path file = export(golden, precision);
        GgufModel model = GgufModel.open(file);
        model.file().tensors().values().forEach(tensor -> {
            // Golden's feed-forward rows, 112 long, don't fill blocks of 32.
            GgufType expected = tensor.shape().length == 1
                    ? GgufType.F32
                    : tensor.columns() % 32 != 0 && precision.name().startsWith("Q")
                            ? GgufType.F16
                            : precision == GgufPrecision.Q4_0 && tensor.name().equals("token_embd.weight")
                                    ? GgufType.Q8_0
                                    : GgufType.valueOf(precision.name());
            assertThat(tensor.type()).as(tensor.name()).isEqualTo(expected);
        });
        try (Scope scope = Scope.open();
                LanguageModel before = LanguageModel.open(golden.directory(), LanguageModel.Options.inference());
                LanguageModel after = LanguageModel.open(
                        file, LanguageModel.Options.inference().with(DType.F32, Device.CPU))) {
            Map<String, Tensor> found = DecoderWeights.tensors(after.decoder());
            double largest = 0;
            double widest = 0;
            for (Map.Entry<String, Tensor> weight :
                    DecoderWeights.tensors(before.decoder()).entrySet()) {
                double difference = Golden.largestDifference(
                        found.get(weight.getKey()).toFloats(), weight.getValue().toFloats());
                if (weight.getValue().rank() == 1) {
                    assertThat(difference).as(weight.getKey()).isZero();
                }
                largest = Math.max(largest, difference);
                for (float value : weight.getValue().toFloats()) {
                    widest = Math.max(widest, Math.abs(value));
                }
            }
            // Half a step of each, 4 bits a whole one: their range ends at 7 steps on one side.
            Golden.within(
                    largest / widest,
                    switch (precision) {
                        case F32 -> 0;
                        case F16 -> 1.0 / (1 << 11);
                        case BF16 -> 1.0 / (1 << 8);
                        case Q8_0 -> 0.5 / 127 + 1.0 / (1 << 11);
                        case Q4_0 -> 1.0 / 8 + 1.0 / (1 << 11);
                    },
                    "qwen2 as " + precision + ", share of the largest weight");
        }
    }

    @ParameterizedTest
    @MethodSource("textFamilies")
    void textsBecomeTheSameIds(String name) throws IOException {
        Golden golden = Golden.open(name);
        Path file = export(golden, GgufPrecision.F16);
        try (LanguageModel before = LanguageModel.open(golden.directory(), LanguageModel.Options.inference());
                LanguageModel after = LanguageModel.open(file, LanguageModel.Options.inference())) {
            for (String text : List.of(
                    "这款冰箱支持七天无理由退货吗？",
                    "The order was shipped   yesterday.\n\n  Thanks!",
                    "emoji 🧊👩‍🔧 and naïve café",
                    "for (int i = 0; i < 10; i++) { sum += a[i]; }\n\treturn sum;",
                    "<s>a</s> <unk> 1234567 ")) {
                int[] ids = before.requireTokenizer().encodeWithSpecialTokens(text);
                assertThat(after.requireTokenizer().encodeWithSpecialTokens(text))
                        .as(name + ": " + text)
                        .isEqualTo(ids);
                assertThat(after.requireTokenizer().decode(ids, false))
                        .as(name + ": " + text)
                        .isEqualTo(before.requireTokenizer().decode(ids, false));
            }
        }
    }

    static List<String> textFamilies() {
        return List.of("bloom", "llama");
    }

    private Path export(Golden golden, GgufPrecision precision) throws IOException {
        Path file = folder.resolve("model.gguf");
        try (LanguageModel model = LanguageModel.open(golden.directory(), LanguageModel.Options.inference())) {
            model.saveGguf(file, "golden", precision);
        }
        return file;
    }
}
