package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The attention softmax beside libtorch's with a bias tensor, and its gradient beside autograd's.
class SoftmaxKernelTest {
    private static final float[] SLOPES = {0.5f, 0.25f, 0.125f, 0.0625f};
    private static final float[] NONE = {};

    /// Two sequences, two key heads, each shared by two query heads.
    @ParameterizedTest
    @CsvSource({
        "F32, 64, 64, 0, 1000000, true",
        "F32, 37, 53, 3, 9, true",
        "BF16, 64, 64, 0, 1000000, true",
        "BF16, 64, 64, 0, 1000000, false",
        "BF16, 33, 33, 0, 7, false",
        "BF16, 37, 53, 3, 21, true",
        "BF16, 1, 5, 0, 1000000, true",
        "BF16, 130, 131, 0, 40, true"
    })
    void equalsTheSoftmaxWithABiasAndItsGradient(
            DType dtype, int queries, int keys, int hidden, int window, boolean alibi) {
        try (Scope scope = Scope.open()) {
            SoftmaxKernel.View view = new SoftmaxKernel.View(
                    queries, keys - queries, keys - hidden, window, 0.125f, alibi ? SLOPES : NONE);
            int[] shape = {4, 2 * queries, keys};
            Tensor scores = random(dtype, 1, shape);
            Tensor gradients = random(dtype, 2, shape);
            Tensor raw = Autograd.leaf(scores.to(DType.F32).copy());
            Tensor expected;
            Tensor expectedGradient;
            try (Autograd.Mode on = Autograd.on()) {
                expected = raw.mul(0.125).add(bias(view, keys)).softmax(-1);
                expectedGradient = Autograd.gradients(expected, gradients.to(DType.F32), List.of(raw))
                        .getFirst()
                        .orElseThrow();
            }
            SoftmaxKernel.softmax(scores, view);
            double tolerance = dtype == DType.F32 ? 1e-6 : 4e-3;
            assertClose(scores, expected, tolerance);
            float[] seen = scores.toFloats();
            float[] wanted = expected.toFloats();
            for (int i = 0; i < seen.length; i++) {
                assertThat(seen[i] == 0).as("element %d is masked", i).isEqualTo(wanted[i] == 0);
            }
            SoftmaxKernel.gradient(scores, gradients, view);
            assertClose(gradients, expectedGradient, tolerance);
        }
    }

    private static Tensor random(DType dtype, long seed, int[] shape) {
        Random random = new Random(seed);
        float[] values = new float[shape[0] * shape[1] * shape[2]];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (4 * random.nextGaussian());
        }
        return Tensor.of(values, shape[0], shape[1], shape[2]).to(dtype);
    }

    /// [4 × 2 · queries × keys]: matrices are (sequence, key head), rows (query head, query).
    private static Tensor bias(SoftmaxKernel.View view, int keys) {
        int queries = view.queries();
        float[] values = new float[4 * 2 * queries * keys];
        int at = 0;
        for (int matrix = 0; matrix < 4; matrix++) {
            for (int row = 0; row < 2 * queries; row++) {
                int i = view.first() + row % queries;
                float slope = view.slopes().length == 0 ? 0 : view.slopes()[matrix % 2 * 2 + row / queries];
                for (int j = 0; j < keys; j++) {
                    boolean visible = j <= i && i - j < view.window() && j < view.keys();
                    values[at++] = visible ? slope * (j - i) : Float.NEGATIVE_INFINITY;
                }
            }
        }
        return Tensor.of(values, 4, 2 * queries, keys);
    }

    private static void assertClose(Tensor actual, Tensor expected, double tolerance) {
        float[] a = actual.toFloats();
        float[] e = expected.toFloats();
        for (int i = 0; i < a.length; i++) {
            assertThat((double) Math.abs(a[i] - e[i]))
                    .as("element %d: %s, expected %s", i, a[i], e[i])
                    .isLessThanOrEqualTo(tolerance * (Math.abs(e[i]) + 0.25));
        }
    }
}
