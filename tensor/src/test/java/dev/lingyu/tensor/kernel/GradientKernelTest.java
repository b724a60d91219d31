package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GradientKernelTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 15, 16, 64, 1003})
    void startsASumAndAddsToItExactly(int n) {
        try (Scope scope = Scope.open()) {
            Tensor first = random(n, 1);
            Tensor second = random(n, 2);
            Tensor sum = Tensor.full(DType.F32, first.device(), Double.NaN, n);
            GradientKernel.add(sum, first, true);
            GradientKernel.add(sum, second, false);
            assertThat(sum.toFloats())
                    .isEqualTo(first.to(DType.F32).add(second.to(DType.F32)).toFloats());
        }
    }

    private static Tensor random(int n, long seed) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, n).to(DType.BF16);
    }
}
