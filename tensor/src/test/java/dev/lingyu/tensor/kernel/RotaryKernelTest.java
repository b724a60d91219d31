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

class RotaryKernelTest {
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16", "F32"})
    void turnsPairsAsDoublePrecisionDoesAndLeavesTheRest(DType dtype) {
        Random shapes = new Random(4);
        for (int trial = 0; trial < 40; trial++) {
            int tokens = 1 + shapes.nextInt(trial % 5 == 0 ? 40 : 4);
            int heads = 1 + shapes.nextInt(6);
            int half = 1 + shapes.nextInt(70);
            int size = 2 * half + (shapes.nextBoolean() ? 0 : shapes.nextInt(20));
            boolean interleaved = shapes.nextBoolean();
            try (Scope scope = Scope.open();
                    Generator generator = Generator.seeded(trial)) {
                // As fused projections give them: heads between others, not end to end.
                Tensor all = random(generator, dtype, tokens, heads, 2, size);
                Tensor x = all.select(2, 1);
                Tensor cos = random(generator, dtype, tokens, 1, half);
                Tensor sin = random(generator, dtype, tokens, 1, half);
                double[] before = x.contiguous().toDoubles();
                double[] others = all.select(2, 0).contiguous().toDoubles();

                RotaryKernel.turn(x, cos, sin, interleaved);

                assertThat(all.select(2, 0).contiguous().toDoubles()).isEqualTo(others);
                double[] after = x.contiguous().toDoubles();
                double[] c = cos.toDoubles();
                double[] s = sin.toDoubles();
                for (int head = 0; head < tokens * heads; head++) {
                    int token = head / heads;
                    for (int i = 0; i < half; i++) {
                        int a = head * size + (interleaved ? 2 * i : i);
                        int b = interleaved ? a + 1 : a + half;
                        double cosine = c[token * half + i];
                        double sine = s[token * half + i];
                        check(after[a], before[a] * cosine, -before[b] * sine, dtype);
                        check(after[b], before[b] * cosine, before[a] * sine, dtype);
                    }
                    for (int i = 2 * half; i < size; i++) {
                        assertThat(after[head * size + i]).isEqualTo(before[head * size + i]);
                    }
                }
            }
        }
    }

    private static void check(double found, double one, double other, DType dtype) {
        double last = switch (dtype) {
            case BF16 -> 0x1p-8;
            case F16 -> 0x1p-11;
            default -> 0;
        };
        double size = Math.abs(one) + Math.abs(other);
        double tiny = dtype == DType.F16 ? 0x1p-24 : 1e-30;
        assertThat(found).isCloseTo(one + other, within(Math.abs(one + other) * last + size * 2e-7 + tiny));
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16", "F32"})
    void notANumberAndInfinityTouchTheirPairAlone(DType dtype) {
        try (Scope scope = Scope.open()) {
            float[] values = new float[80];
            java.util.Arrays.fill(values, 1);
            values[3] = Float.NaN;
            values[44] = Float.POSITIVE_INFINITY;
            Tensor x = Tensor.of(values, 1, 1, 80).to(dtype);
            Tensor angle = Tensor.full(dtype, dev.lingyu.tensor.Device.CPU, 0.5, 1, 1, 40);

            RotaryKernel.turn(x, angle, angle, false);

            float[] found = x.toFloats();
            for (int i = 0; i < 80; i++) {
                switch (i % 40) {
                    case 3 -> assertThat(found[i]).isNaN();
                    case 4 ->
                        assertThat(found[i]).isEqualTo(i == 4 ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY);
                    default -> assertThat(found[i]).isEqualTo(i < 40 ? 0 : 1);
                }
            }
        }
    }

    @Test
    void refusesAnglesThatDoNotFit() {
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.zeros(DType.BF16, 2, 3, 8);
            Tensor angles = Tensor.zeros(DType.BF16, 2, 1, 4);
            assertThatThrownBy(() -> RotaryKernel.turn(x, angles, Tensor.zeros(DType.F32, 2, 1, 4), false))
                    .hasMessageContaining("up to size/2 angles");
            assertThatThrownBy(() -> RotaryKernel.turn(x, Tensor.zeros(DType.BF16, 2, 1, 5), angles, false))
                    .hasMessageContaining("up to size/2 angles");
            assertThatThrownBy(() -> RotaryKernel.turn(x, Tensor.zeros(DType.BF16, 3, 1, 4), angles, false))
                    .hasMessageContaining("up to size/2 angles");
        }
    }

    private static Tensor random(Generator generator, DType dtype, long... shape) {
        return Tensor.zeros(DType.F32, shape).normalInPlace(0, 1, generator).to(dtype);
    }
}
