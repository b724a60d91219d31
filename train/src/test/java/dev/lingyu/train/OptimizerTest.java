package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.DecoderWeights;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Update rules against values of PyTorch 2.15 and transformers 5.23.
class OptimizerTest {
    private static final float[][] GRADIENTS = {
        {0.1f, -0.2f, 0.3f, 0.4f, 0.5f, -0.6f}, {-0.3f, 0.1f, 0.2f, 0.05f, -0.4f, 0.6f}, {1, 2, -3, 0.5f, 0.1f, 0.2f}
    };
    private static final float[][] BIAS_GRADIENTS = {{0.7f, -0.8f, 0.1f}, {0.2f, 0.1f, -0.1f}, {-1, 0.3f, 0.5f}};
    private static final float[] MATRIX = {0.5f, -1, 2, 1.5f, 0.25f, -0.75f};

    /// A decoder whose weights are as small as weights come, for its parameters.
    private static Decoder tiny(DType dtype) {
        ObjectNode shape = new ObjectMapper().createObjectNode();
        shape.put("model_type", "bloom")
                .put("vocab_size", 8)
                .put("hidden_size", 8)
                .put("n_layer", 2)
                .put("n_head", 2);
        return DecoderWeights.random(ModelConfig.of(shape, "test"), dtype, 1);
    }

    private static Parameter named(Decoder decoder, String end) {
        return decoder.parameters().stream()
                .filter(p -> p.name().endsWith(end))
                .findFirst()
                .orElseThrow();
    }

    /// A decoder whose embedding is the 2 × 3 matrix of the reference values.
    private static Decoder twoByThree() {
        ObjectNode shape = new ObjectMapper().createObjectNode();
        shape.put("model_type", "bloom")
                .put("vocab_size", 2)
                .put("hidden_size", 3)
                .put("n_layer", 1)
                .put("n_head", 1);
        Decoder decoder = DecoderWeights.random(ModelConfig.of(shape, "test"), DType.F32, 1);
        decoder.tokenEmbedding().value().copyInPlace(Tensor.of(MATRIX, 2, 3));
        return decoder;
    }

    @Test
    void adamAddsTheDecayToTheGradient() {
        try (Scope scope = Scope.open();
                Decoder decoder = twoByThree()) {
            Parameter matrix = decoder.tokenEmbedding();
            matrix.trainable(true);
            OptimizerSettings settings =
                    new OptimizerSettings(OptimizerSettings.Kind.ADAM, 0.9, 0.999, 1e-8, 0.1, true);
            try (AdamW adam = new AdamW(List.of(matrix), settings)) {
                for (float[] gradient : GRADIENTS) {
                    adam.accumulate(matrix, Tensor.of(gradient, 2, 3));
                    adam.step(0.01);
                }
                float[] expected = {0.48741081f, -0.98883116f, 1.98465049f, 1.4718498f, 0.23683858f, -0.73968077f};
                assertThat(matrix.value().toFloats()).containsExactly(expected, within(1e-6f));
            }
        }
    }

    @Test
    void adafactorEqualsTransformersForMatricesAndVectors() {
        try (Scope scope = Scope.open();
                Decoder decoder = twoByThree()) {
            Parameter matrix = decoder.tokenEmbedding();
            Parameter bias = named(decoder, "word_embeddings_layernorm.bias");
            bias.value().copyInPlace(Tensor.of(new float[] {0.1f, -0.2f, 0.3f}, 3));
            matrix.trainable(true);
            bias.trainable(true);
            OptimizerSettings settings =
                    new OptimizerSettings(OptimizerSettings.Kind.ADAFACTOR, 0.9, 0.999, 1e-8, 0.1, false);
            try (Adafactor adafactor = new Adafactor(List.of(matrix, bias), settings, LayerRates.EQUAL)) {
                for (int step = 0; step < 3; step++) {
                    adafactor.accumulate(matrix, Tensor.of(GRADIENTS[step], 2, 3));
                    adafactor.accumulate(bias, Tensor.of(BIAS_GRADIENTS[step], 3));
                    adafactor.step(0.01);
                }
                assertThat(matrix.value().toFloats())
                        .containsExactly(
                                new float[] {
                                    0.50172067f, -1.00310266f, 1.98665857f, 1.46718979f, 0.24622594f, -0.75025445f
                                },
                                within(1e-6f));
                assertThat(bias.value().toFloats())
                        .containsExactly(new float[] {0.09651573f, -0.19676393f, 0.28684488f}, within(1e-6f));
            }
        }
    }

    @Test
    void splitMastersOfBf16WeightsGoTheWayOfF32Masters() {
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off();
                Decoder wide = tiny(DType.F32);
                Decoder narrow = tiny(DType.BF16)) {
            List<Parameter> a = new ArrayList<>(wide.parameters());
            List<Parameter> b = new ArrayList<>(narrow.parameters());
            for (int i = 0; i < a.size(); i++) {
                // Both start from what bf16 can hold.
                a.get(i).value().copyInPlace(b.get(i).value());
                a.get(i).trainable(true);
                b.get(i).trainable(true);
            }
            OptimizerSettings settings =
                    new OptimizerSettings(OptimizerSettings.Kind.ADAMW, 0.9, 0.999, 1e-8, 0.1, true);
            try (AdamW f32 = new AdamW(a, settings);
                    AdamW split = new AdamW(b, settings)) {
                for (int step = 1; step <= 20; step++) {
                    for (int i = 0; i < a.size(); i++) {
                        Tensor gradient = a.get(i).value().mul(0.1 * step).add(0.01 * (i - 5));
                        f32.accumulate(a.get(i), gradient);
                        split.accumulate(b.get(i), gradient);
                    }
                    double norm = f32.gradientNorm();
                    f32.clip(norm, norm / 2);
                    split.clip(norm, norm / 2);
                    f32.step(1e-4);
                    split.step(1e-4);
                }
                for (int i = 0; i < a.size(); i++) {
                    Tensor rounded = a.get(i).value();
                    Tensor difference =
                            rounded.sub(b.get(i).value().to(DType.F32)).abs();
                    // bf16 keeps 8 bits: half a unit of the last one.
                    Tensor allowed = rounded.abs().mul(1.0 / 256).add(1e-7);
                    assertThat(difference.sub(allowed).max().item())
                            .as(a.get(i).name())
                            .isLessThanOrEqualTo(0);
                }
            }
        }
    }

    @Test
    void aWeightThatGotNoGradientInAStepCountsAsZero() {
        try (Scope scope = Scope.open();
                Decoder decoder = tiny(DType.F32)) {
            List<Parameter> all = new ArrayList<>(decoder.parameters());
            all.forEach(p -> p.trainable(true));
            try (AdamW adam = new AdamW(all, OptimizerSettings.defaults())) {
                all.forEach(p -> adam.accumulate(
                        p,
                        Tensor.full(DType.F32, p.value().device(), 3, p.value().shape())));
                adam.step(1e-3);
                Parameter one = all.getFirst();
                adam.accumulate(
                        one,
                        Tensor.full(
                                DType.F32, one.value().device(), 2, one.value().shape()));
                assertThat(adam.gradientNorm())
                        .isCloseTo(2 * Math.sqrt(one.value().count()), within(1e-4));
            }
        }
    }

    @Test
    void lowerLayersLearnSlowerWithLayerwiseDecay() {
        try (Scope scope = Scope.open();
                Decoder decoder = tiny(DType.F32)) {
            decoder.parameters().forEach(p -> p.trainable(true));
            LayerRates rates = LayerRates.of(decoder, 0.5);
            assertThat(rates.scale(named(decoder, "ln_f.weight"))).isEqualTo(1);
            assertThat(rates.scale(named(decoder, "h.1.mlp.dense_h_to_4h.weight")))
                    .isEqualTo(0.5);
            assertThat(rates.scale(named(decoder, "h.0.mlp.dense_h_to_4h.weight")))
                    .isEqualTo(0.25);
            assertThat(rates.scale(decoder.tokenEmbedding())).isEqualTo(0.125);
            try (AdamW adam = new AdamW(decoder.parameters(), OptimizerSettings.defaults(), rates)) {
                Parameter low = named(decoder, "h.0.mlp.dense_h_to_4h.bias");
                adam.accumulate(
                        low,
                        Tensor.full(
                                DType.F32, low.value().device(), 1, low.value().shape()));
                float before = low.value().toFloats()[0];
                adam.step(0.01);
                // The first update of Adam is the rate itself.
                assertThat(before - low.value().toFloats()[0]).isCloseTo(0.0025f, within(1e-6f));
            }
        }
    }
}
