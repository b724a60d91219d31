package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SumKernelTest {
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16", "F32"})
    void addsWhatTheTypeRoundsTheExactSumTo(DType dtype) {
        Random shapes = new Random(6);
        for (int trial = 0; trial < 30; trial++) {
            int rows = 1 + shapes.nextInt(5);
            int width = 1 + shapes.nextInt(3000);
            try (Scope scope = Scope.open();
                    Generator generator = Generator.seeded(trial)) {
                Tensor x = random(generator, dtype, rows, width);
                Tensor y = random(generator, dtype, rows, width);
                // Sums of 16 bits are exact in f64, but for those that lie too far apart to be halfway between two.
                float[] expected =
                        x.to(DType.F64).add(y.to(DType.F64)).to(dtype).toFloats();

                SumKernel.add(x, y);

                assertThat(y.toFloats()).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16", "F32"})
    void keepsInfinitiesAndNotANumbers(DType dtype) {
        try (Scope scope = Scope.open()) {
            float[] values = new float[70];
            values[0] = Float.NaN;
            values[1] = Float.POSITIVE_INFINITY;
            values[2] = Float.POSITIVE_INFINITY;
            values[69] = Float.NEGATIVE_INFINITY;
            float[] others = new float[70];
            others[2] = Float.NEGATIVE_INFINITY;
            others[69] = 5;
            Tensor y = Tensor.of(others, 70).to(dtype);

            SumKernel.add(Tensor.of(values, 70).to(dtype), y);

            float[] found = y.toFloats();
            assertThat(found[0]).isNaN();
            assertThat(found[1]).isEqualTo(Float.POSITIVE_INFINITY);
            assertThat(found[2]).isNaN();
            assertThat(found[3]).isZero();
            assertThat(found[69]).isEqualTo(Float.NEGATIVE_INFINITY);
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.zeros(DType.BF16, 2, 8);
            assertThat(SumKernel.takes(x, Tensor.zeros(DType.BF16, 8))).isFalse();
            assertThat(SumKernel.takes(x.transpose(0, 1), x)).isFalse();
            assertThatThrownBy(() -> SumKernel.add(x, Tensor.zeros(DType.F32, 2, 8)))
                    .hasMessageContaining("as many of that type");
        }
    }

    private static Tensor random(Generator generator, DType dtype, long... shape) {
        return Tensor.zeros(DType.F32, shape).normalInPlace(0, 1, generator).to(dtype);
    }
}
