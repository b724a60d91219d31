package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Norms beside sums in double precision; widths with and without a tail, few rows and as many as workers share.
class NormKernelTest {
    private static final double EPSILON = 1e-5;

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16", "F32"})
    void layerNormEqualsDoublePrecisionRoundedOnce(DType dtype) {
        Random shapes = new Random(1);
        for (int trial = 0; trial < 30; trial++) {
            int rows = 1 + shapes.nextInt(trial % 5 == 0 ? 60 : 5);
            int width = 1 + shapes.nextInt(600);
            try (Scope scope = Scope.open();
                    Generator generator = Generator.seeded(trial)) {
                // Far from zero, so that a variance from sums of squares would be lost in f32.
                Tensor x = random(generator, dtype, 30, rows, width);
                Tensor w = random(generator, dtype, 0, width);
                Tensor b = random(generator, dtype, 0, width);

                double[] found = NormKernel.layer(x, w, b, EPSILON).toDoubles();

                double[] in = x.toDoubles();
                for (int r = 0; r < rows; r++) {
                    double mean = 0;
                    double variance = 0;
                    for (int i = 0; i < width; i++) {
                        mean += in[r * width + i] / width;
                    }
                    for (int i = 0; i < width; i++) {
                        variance += Math.pow(in[r * width + i] - mean, 2) / width;
                    }
                    double factor = 1 / Math.sqrt(variance + EPSILON);
                    for (int i = 0; i < width; i++) {
                        double product = (in[r * width + i] - mean) * factor * w.toDoubles()[i];
                        double bias = b.toDoubles()[i];
                        // The mean is rounded to f32: a hundredth of what 2e-5 of it would be.
                        double lost = Math.abs(mean * factor * w.toDoubles()[i]) / 100;
                        check(
                                found[r * width + i],
                                product + bias,
                                Math.abs(product) + Math.abs(bias) + lost,
                                1,
                                dtype);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16", "F32"})
    void rmsNormEqualsDoublePrecisionRoundedBeforeTheWeightAndBehind(DType dtype) {
        Random shapes = new Random(2);
        for (int trial = 0; trial < 30; trial++) {
            int rows = 1 + shapes.nextInt(trial % 5 == 0 ? 60 : 5);
            int width = 1 + shapes.nextInt(600);
            try (Scope scope = Scope.open();
                    Generator generator = Generator.seeded(trial)) {
                Tensor x = random(generator, dtype, 0, rows, width);
                Tensor w = random(generator, dtype, 0, width);

                double[] found = NormKernel.rms(x, w, EPSILON).toDoubles();

                double[] in = x.toDoubles();
                for (int r = 0; r < rows; r++) {
                    double mean = 0;
                    for (int i = 0; i < width; i++) {
                        mean += in[r * width + i] * in[r * width + i] / width;
                    }
                    for (int i = 0; i < width; i++) {
                        double expected = in[r * width + i] / Math.sqrt(mean + EPSILON) * w.toDoubles()[i];
                        check(found[r * width + i], expected, Math.abs(expected), 2, dtype);
                    }
                }
            }
        }
    }

    /// @param size of what was added up
    private static void check(double found, double expected, double size, int roundings, DType dtype) {
        double last = switch (dtype) {
            case BF16 -> 0x1p-8;
            case F16 -> 0x1p-11;
            default -> 0;
        };
        // The smallest f16 are 2⁻²⁴ apart.
        double tiny = dtype == DType.F16 ? 0x1p-24 : 0;
        assertThat(found).isCloseTo(expected, within(Math.abs(expected) * last * roundings + size * 2e-5 + tiny));
    }

    @Test
    void aRowHasTheSameBitsWhateverStandsBesideIt() {
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(5)) {
            Tensor x = random(generator, DType.BF16, 0, 70, 301);
            Tensor w = random(generator, DType.BF16, 0, 301);
            float[] all = NormKernel.rms(x, w, EPSILON).toFloats();
            for (int row : new int[] {0, 33, 69}) {
                float[] alone = NormKernel.rms(x.narrow(0, row, 1), w, EPSILON).toFloats();
                for (int i = 0; i < 301; i++) {
                    assertThat(all[row * 301 + i]).isEqualTo(alone[i]);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16", "F32"})
    void notANumberStaysInItsRowAndInfinityMakesItsOwn(DType dtype) {
        try (Scope scope = Scope.open()) {
            float[] values = new float[3 * 40];
            for (int i = 0; i < values.length; i++) {
                values[i] = i % 7 - 3;
            }
            values[37] = Float.NaN;
            values[40 + 3] = Float.NEGATIVE_INFINITY;
            Tensor x = Tensor.of(values, 3, 40).to(dtype);
            Tensor w = Tensor.full(dtype, dev.lingyu.tensor.Device.CPU, 1, 40);
            for (Tensor y : new Tensor[] {NormKernel.rms(x, w, EPSILON), NormKernel.layer(x, w, w, EPSILON)}) {
                float[] found = y.toFloats();
                for (int i = 0; i < 40; i++) {
                    assertThat(found[i]).isNaN();
                    assertThat(found[80 + i]).isFinite();
                }
                assertThat(found[43]).as("infinity by infinity").isNaN();
            }
        }
    }

    @Test
    void refusesWhatItHasNoKernelFor() {
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.zeros(DType.BF16, 2, 8);
            assertThat(NormKernel.takes(x.transpose(0, 1), Tensor.zeros(DType.BF16, 2)))
                    .isFalse();
            assertThatThrownBy(() -> NormKernel.rms(x, Tensor.zeros(DType.F32, 8), EPSILON))
                    .hasMessageContaining("weights of their type and length");
            assertThatThrownBy(() ->
                            NormKernel.layer(x, Tensor.zeros(DType.BF16, 8), Tensor.zeros(DType.BF16, 9), EPSILON))
                    .hasMessageContaining("weights of their type and length");
        }
    }

    private static Tensor random(Generator generator, DType dtype, double middle, long... shape) {
        return Tensor.zeros(DType.F32, shape)
                .normalInPlace(middle, 1, generator)
                .to(dtype);
    }
}
