package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// The kernel against plain arithmetic.
class AdamKernelTest {
    private static final int N = 64 * 37;
    private static final Random RANDOM = new Random(5);

    private static float[] random(double scale) {
        float[] values = new float[N];
        for (int i = 0; i < N; i++) {
            values[i] = (float) (RANDOM.nextGaussian() * scale * Math.pow(10, RANDOM.nextInt(5) - 2));
        }
        return values;
    }

    private static Tensor zeros(DType dtype) {
        return Tensor.zeros(dtype, N);
    }

    @Test
    void weightAndRestTogetherAreTheMasterBitForBit() {
        try (Scope scope = Scope.open()) {
            float[] masters = random(1);
            masters[0] = 0;
            masters[1] = -0f;
            masters[2] = Float.MIN_VALUE;
            masters[3] = 1e30f;
            Tensor weights = zeros(DType.BF16);
            Tensor rests = zeros(DType.I16);
            Tensor joined = zeros(DType.F32);
            AdamKernel.split(Tensor.of(masters, N), weights, rests);
            AdamKernel.join(weights, rests, joined);
            float[] back = joined.toFloats();
            float[] rounded = weights.toFloats();
            for (int i = 0; i < N; i++) {
                assertThat(Float.floatToRawIntBits(back[i])).isEqualTo(Float.floatToRawIntBits(masters[i]));
                assertThat(rounded[i]).isCloseTo(masters[i], within(Math.abs(masters[i]) / 256 + Float.MIN_NORMAL));
            }
        }
    }

    @Test
    void anUpdateIsThatOfTheFormula() {
        try (Scope scope = Scope.open()) {
            float[] w = random(0.02);
            float[] m = new float[N];
            float[] v = new float[N];
            Tensor weights = zeros(DType.BF16);
            Tensor rests = zeros(DType.I16);
            Tensor first = zeros(DType.F32);
            Tensor second = zeros(DType.F32);
            Tensor joined = zeros(DType.F32);
            AdamKernel.split(Tensor.of(w, N), weights, rests);
            for (int step = 1; step <= 5; step++) {
                float[] g = random(0.1);
                AdamKernel.update(
                        weights,
                        rests,
                        Tensor.of(g, N),
                        first,
                        second,
                        new AdamKernel.Update(1e-3, 0.9, 0.95, 1e-8, 0.1, 0.5, step));
                for (int i = 0; i < N; i++) {
                    double gradient = 0.5 * g[i];
                    m[i] = (float) (0.9 * m[i] + 0.1 * gradient);
                    v[i] = (float) (0.95 * v[i] + 0.05 * gradient * gradient);
                    double update =
                            m[i] / (1 - Math.pow(0.9, step)) / (Math.sqrt(v[i] / (1 - Math.pow(0.95, step))) + 1e-8);
                    w[i] = (float) (w[i] * (1 - 1e-3 * 0.1) - 1e-3 * update);
                }
            }
            AdamKernel.join(weights, rests, joined);
            float[] masters = joined.toFloats();
            for (int i = 0; i < N; i++) {
                assertThat(masters[i]).as("weight " + i).isCloseTo(w[i], within(2e-6f + Math.abs(w[i]) * 2e-6f));
            }
        }
    }

    @Test
    void zerosStayZeros() {
        try (Scope scope = Scope.open()) {
            Tensor weights = zeros(DType.BF16);
            Tensor rests = zeros(DType.I16);
            Tensor none = zeros(DType.F32);
            AdamKernel.update(
                    weights,
                    rests,
                    none,
                    zeros(DType.F32),
                    zeros(DType.F32),
                    new AdamKernel.Update(1, 0.9, 0.999, 1e-8, 0.1, 1, 1));
            assertThat(weights.toFloats()).containsOnly(0f);
        }
    }

    @Test
    void wrongSizesAndTypesAreRefused() {
        try (Scope scope = Scope.open()) {
            Tensor odd = Tensor.zeros(DType.F32, Device.CPU, 65);
            assertThatThrownBy(() -> AdamKernel.split(odd, Tensor.zeros(DType.BF16, 65), Tensor.zeros(DType.I16, 65)))
                    .hasMessageContaining("multiple of 64");
            assertThatThrownBy(() -> AdamKernel.split(zeros(DType.F32), zeros(DType.F16), zeros(DType.I16)))
                    .hasMessageContaining("expected");
        }
    }
}
