package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.Torch;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackedMatrixTest {
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void equalsASumInDoublePrecisionForRandomShapes(DType dtype) {
        Random shapes = new Random(3);
        for (int trial = 0; trial < 40; trial++) {
            int rows = 1 + shapes.nextInt(9);
            int in = 2 * (1 + shapes.nextInt(150));
            int out = 1 + shapes.nextInt(300);
            try (Scope scope = Scope.open();
                    Generator generator = Generator.seeded(trial)) {
                Tensor w = random(generator, dtype, out, in);
                Tensor x = random(generator, dtype, rows, in);
                Tensor bias = random(generator, dtype, out);

                Tensor y = multiply(w, x, bias);

                assertThat(y.dtype()).isEqualTo(dtype);
                assertThat(y.shape()).containsExactly(rows, out);
                check(x.toDoubles(), w.toDoubles(), bias.toDoubles(), y.toDoubles(), rows, in, out, dtype);
            }
        }
    }

    private static Tensor multiply(Tensor w, Tensor x, Tensor bias) {
        try (PackedMatrix packed = PackedMatrix.of(w)) {
            return packed.multiply(x, Optional.of(bias));
        }
    }

    private static Tensor random(Generator generator, DType dtype, long... shape) {
        return Tensor.zeros(DType.F32, shape).normalInPlace(0, 1, generator).to(dtype);
    }

    private static void check(
            double[] x, double[] w, double[] bias, double[] y, int rows, int in, int out, DType dtype) {
        // Half of the last place of the result, and what f32 sums lose.
        double last = dtype == DType.BF16 ? 0x1p-8 : 0x1p-11;
        for (int r = 0; r < rows; r++) {
            for (int n = 0; n < out; n++) {
                double sum = bias[n];
                double size = Math.abs(bias[n]);
                for (int k = 0; k < in; k++) {
                    sum += x[r * in + k] * w[n * in + k];
                    size += Math.abs(x[r * in + k] * w[n * in + k]);
                }
                assertThat(y[r * out + n])
                        .as("row %d, output %d of %d × %d", r, n, out, in)
                        .isCloseTo(sum, within(Math.abs(sum) * last + size * 1e-6));
            }
        }
    }

    @Test
    void givesARowTheSameBitsWhateverStandsBesideIt() {
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(5);
                PackedMatrix packed = PackedMatrix.of(random(generator, DType.BF16, 130, 96))) {
            // Up to 4 rows: more go to oneDNN, which adds in an order of its own.
            Tensor x = random(generator, DType.BF16, 4, 96);
            float[] two = packed.multiply(x.narrow(0, 2, 2).contiguous(), Optional.empty())
                    .toFloats();
            float[] all = packed.multiply(x, Optional.empty()).toFloats();
            for (int n = 0; n < 2 * 130; n++) {
                assertThat(all[2 * 130 + n]).isEqualTo(two[n]);
            }
        }
    }

    /// OpenMP's number of threads is the calling thread's own, and products by oneDNN set it to one for themselves.
    @Test
    void leavesLibtorchItsThreads() {
        int before = Torch.threads();
        Torch.threads(3);
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(1)) {
            multiply(
                    random(generator, DType.BF16, 128, 128),
                    random(generator, DType.BF16, 16, 128),
                    random(generator, DType.BF16, 128));
            assertThat(Torch.threads()).isEqualTo(3);
        } finally {
            Torch.threads(before);
        }
    }

    @Test
    void carriesInfinitiesAndNotANumbersToTheOutputsThatUseThem() {
        try (Scope scope = Scope.open()) {
            float[] w = new float[2 * 4];
            w[1] = Float.POSITIVE_INFINITY;
            w[4] = 1;
            w[6] = Float.NaN;
            try (PackedMatrix packed = PackedMatrix.of(Tensor.of(w, 2, 4).to(DType.BF16))) {
                Tensor x = Tensor.of(new float[] {1, 2, 3, 4}, 1, 4).to(DType.BF16);

                float[] y = packed.multiply(x, Optional.empty()).toFloats();

                assertThat(y[0]).isEqualTo(Float.POSITIVE_INFINITY);
                assertThat(y[1]).isNaN();
            }
        }
    }

    @Test
    void refusesWhatItHasNoKernelFor() {
        try (Scope scope = Scope.open()) {
            assertThatThrownBy(() -> PackedMatrix.of(Tensor.zeros(DType.F32, 2, 4)))
                    .hasMessageContaining("Expected a contiguous bf16 or f16 matrix");
            assertThatThrownBy(() -> PackedMatrix.of(Tensor.zeros(DType.BF16, 2, 3)))
                    .hasMessageContaining("even number of columns");
        }
    }
}
