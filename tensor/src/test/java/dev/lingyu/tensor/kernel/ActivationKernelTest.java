package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Activations and their gradients beside libtorch's in f32; widths with and without a tail, and extreme values.
class ActivationKernelTest {
    private static final int ROWS = 5;
    private static final int WIDTH = 83;

    @Test
    void geluAndItsGradientEqualF32RoundedOnce() {
        try (Scope scope = Scope.open()) {
            Tensor x = random(1);
            Tensor gradient = random(2);
            Tensor wide = Autograd.leaf(x.to(DType.F32));
            Tensor expected;
            Tensor expectedGradient;
            try (Autograd.Mode on = Autograd.on()) {
                expected = Functional.geluTanh(wide);
                expectedGradient = Autograd.gradients(expected, gradient.to(DType.F32), List.of(wide))
                        .getFirst()
                        .orElseThrow();
            }
            Tensor y = Tensor.empty(DType.BF16, Device.CPU, ROWS, WIDTH);
            ActivationKernel.gelu(x, y);
            ActivationKernel.geluGradient(x, gradient);
            assertClose(y, expected);
            assertClose(gradient, expectedGradient);
        }
    }

    @Test
    void gatedSiluOfTwoHalvesAndItsGradientsEqualF32RoundedOnce() {
        try (Scope scope = Scope.open()) {
            Tensor both = Tensor.cat(List.of(random(1), random(2)), 1);
            Tensor gate = both.narrow(1, 0, WIDTH);
            Tensor up = both.narrow(1, WIDTH, WIDTH);
            Tensor gradient = random(3);
            Tensor wideGate = Autograd.leaf(gate.to(DType.F32));
            Tensor wideUp = Autograd.leaf(up.to(DType.F32));
            Tensor expected;
            List<Optional<Tensor>> expectedGradients;
            try (Autograd.Mode on = Autograd.on()) {
                expected = Functional.silu(wideGate).mul(wideUp);
                expectedGradients = Autograd.gradients(expected, gradient.to(DType.F32), List.of(wideGate, wideUp));
            }
            Tensor y = Tensor.empty(DType.BF16, Device.CPU, ROWS, WIDTH);
            Tensor upGradient = Tensor.empty(DType.BF16, Device.CPU, ROWS, WIDTH);
            ActivationKernel.gatedSilu(gate, up, y);
            ActivationKernel.gatedSiluGradient(gate, up, gradient, upGradient);
            assertClose(y, expected);
            assertClose(gradient, expectedGradients.getFirst().orElseThrow());
            assertClose(upGradient, expectedGradients.getLast().orElseThrow());
        }
    }

    private static Tensor random(long seed) {
        Random random = new Random(seed);
        float[] values = new float[ROWS * WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (3 * random.nextGaussian());
        }
        values[0] = 200;
        values[1] = -200;
        values[2] = 0;
        return Tensor.of(values, ROWS, WIDTH).to(DType.BF16);
    }

    private static void assertClose(Tensor actual, Tensor expected) {
        float[] a = actual.toFloats();
        float[] e = expected.toFloats();
        for (int i = 0; i < a.length; i++) {
            assertThat((double) Math.abs(a[i] - e[i]))
                    .as("element %d: %s, expected %s", i, a[i], e[i])
                    .isLessThanOrEqualTo(Math.abs(e[i]) / 250 + 1e-5);
        }
    }
}
