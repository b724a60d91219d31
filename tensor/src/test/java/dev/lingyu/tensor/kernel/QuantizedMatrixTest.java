package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizedMatrixTest {
    @ParameterizedTest
    @EnumSource
    void multipliesByTheRoundedWeightsForRandomShapes(Quantization method) {
        Random shapes = new Random(6);
        for (int trial = 0; trial < 25; trial++) {
            int rows = 1 + shapes.nextInt(20);
            int in = 32 * (1 + shapes.nextInt(6));
            int out = 1 + shapes.nextInt(200);
            DType dtype = shapes.nextBoolean() ? DType.F32 : DType.BF16;
            try (Scope scope = Scope.open();
                    Generator generator = Generator.seeded(trial);
                    QuantizedMatrix matrix = QuantizedMatrix.of(random(generator, DType.F32, out, in), method)) {
                Tensor x = random(generator, dtype, rows, in);
                Tensor bias = random(generator, dtype, out);

                Tensor y = matrix.multiply(x, Optional.of(bias));

                assertThat(y.dtype()).isEqualTo(dtype);
                double[] w = matrix.dequantize(DType.F32).toDoubles();
                compare(x.toDoubles(), w, bias.toDoubles(), y.toDoubles(), rows, in, out, dtype);
            }
        }
    }

    private static void compare(
            double[] x, double[] w, double[] bias, double[] y, int rows, int in, int out, DType dtype) {
        for (int r = 0; r < rows; r++) {
            for (int n = 0; n < out; n++) {
                double sum = bias[n];
                double size = Math.abs(bias[n]);
                for (int k = 0; k < in; k++) {
                    sum += x[r * in + k] * w[n * in + k];
                    size += Math.abs(x[r * in + k] * w[n * in + k]);
                }
                // In bf16: half of the last place of the result, and, for many rows, of each weight.
                double error = dtype == DType.F32
                        ? 2e-6 * size
                        : Math.abs(sum) * 0x1p-8 + 2e-6 * size + (rows > 4 ? size * 0x1p-8 / Math.sqrt(in) * 4 : 0);
                assertThat(y[r * out + n])
                        .as("row %d of %d, output %d of %d × %d", r, rows, n, out, in)
                        .isCloseTo(sum, within(error));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void roundsToWithinHalfAStep(Quantization method) {
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(9)) {
            Tensor weight = random(generator, DType.F32, 70, 96);
            try (QuantizedMatrix matrix = QuantizedMatrix.of(weight, method)) {
                float[] rounded = matrix.dequantize(DType.F32).toFloats();
                float[] exact = weight.toFloats();
                for (int group = 0; group < exact.length; group += QuantizedMatrix.GROUP) {
                    float least = Float.MAX_VALUE;
                    float most = -Float.MAX_VALUE;
                    for (int i = group; i < group + QuantizedMatrix.GROUP; i++) {
                        least = Math.min(least, exact[i]);
                        most = Math.max(most, exact[i]);
                    }
                    float farthest = Math.max(most, -least);
                    double step = method.asymmetric()
                            ? (most - least) / ((1 << method.bits()) - 1)
                            : method.bits() == 8 ? farthest / 127 : farthest / 8;
                    // Of 4 symmetric bits the end opposite to the farthest value is one step short; scales are f16.
                    double error = (method == Quantization.INT4 ? 1 : 0.5) * step + 0x1p-11 * 2 * farthest;
                    for (int i = group; i < group + QuantizedMatrix.GROUP; i++) {
                        assertThat(rounded[i]).isCloseTo(exact[i], within((float) error));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void blocksRowsAndTheWholeMatrixAgree(Quantization method) {
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(3);
                QuantizedMatrix matrix = QuantizedMatrix.of(random(generator, DType.BF16, 130, 64), method);
                QuantizedMatrix again = QuantizedMatrix.ofBlocks(matrix.toBlocks(), method)) {
            Tensor whole = matrix.dequantize(DType.F32);
            assertThat(again.dequantize(DType.F32).toFloats()).isEqualTo(whole.toFloats());
            assertThat(matrix.rows(new int[] {129, 0}, DType.F32).toFloats())
                    .isEqualTo(whole.indexSelect(0, Tensor.of(new int[] {129, 0}, 2))
                            .toFloats());
            assertThat(matrix.toBlocks().size(1)).isEqualTo(2L * method.blockBytes());
        }
    }

    /// Sums of a group start below zero by what its numbers stand above it, so an infinity may become not a number.
    @ParameterizedTest
    @EnumSource
    void whatIsNotFiniteInARowStaysInThatRow(Quantization method) {
        for (int rows : new int[] {1, 3, 4, 7}) {
            for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                try (Scope scope = Scope.open();
                        Generator generator = Generator.seeded(rows);
                        QuantizedMatrix matrix = QuantizedMatrix.of(random(generator, DType.F32, 70, 96), method)) {
                    float[] x = random(generator, DType.BF16, rows, 96).toFloats();
                    float[] plain = matrix.multiply(Tensor.of(x, rows, 96).to(DType.BF16), Optional.empty())
                            .toFloats();
                    x[(rows - 1) * 96 + 77] = odd;

                    float[] y = matrix.multiply(Tensor.of(x, rows, 96).to(DType.BF16), Optional.empty())
                            .toFloats();

                    for (int n = 0; n < 70; n++) {
                        for (int row = 0; row < rows - 1; row++) {
                            assertThat(y[row * 70 + n]).isEqualTo(plain[row * 70 + n]);
                        }
                        assertThat(y[(rows - 1) * 70 + n])
                                .as("%s, row %d of %d, output %d", odd, rows - 1, rows, n)
                                .satisfiesAnyOf(
                                        v -> assertThat(v).isNaN(),
                                        v -> assertThat(v).isInfinite());
                    }
                }
            }
        }
    }

    @Test
    void refusesRowsThatAreNoWholeGroups() {
        try (Scope scope = Scope.open()) {
            assertThatThrownBy(() -> QuantizedMatrix.of(Tensor.zeros(DType.F32, 2, 33), Quantization.INT8))
                    .hasMessageContaining("32 inputs, of which 33 is no multiple");
        }
    }

    private static Tensor random(Generator generator, DType dtype, long... shape) {
        return Tensor.zeros(DType.F32, shape).normalInPlace(0, 1, generator).to(dtype);
    }
}
