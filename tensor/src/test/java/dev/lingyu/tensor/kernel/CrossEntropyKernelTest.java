package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The kernel against the formula in f64.
class CrossEntropyKernelTest {
    private static final double SCALE = 1.0 / 37;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 31, 32, 33, 64, 997, 4096, 12_345})
    void lossGradientAndHitsAreThoseOfTheFormula(int vocabulary) {
        int rows = 9;
        Random random = new Random(vocabulary);
        try (Scope scope = Scope.open()) {
            float[] values = new float[rows * vocabulary];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * 8);
            }
            Tensor logits = Tensor.of(values, rows, vocabulary).to(DType.BF16);
            double[] x = logits.toDoubles();
            int[] labels = random.ints(rows, 0, vocabulary).toArray();
            CrossEntropyKernel.Outcome outcome = CrossEntropyKernel.lossAndGradient(logits, labels, SCALE);
            double[] gradient = logits.toDoubles();
            double loss = 0;
            long correct = 0;
            for (int row = 0; row < rows; row++) {
                int best = 0;
                double sum = 0;
                double top = Double.NEGATIVE_INFINITY;
                for (int i = 0; i < vocabulary; i++) {
                    double value = x[row * vocabulary + i];
                    if (value > top) {
                        top = value;
                        best = i;
                    }
                }
                for (int i = 0; i < vocabulary; i++) {
                    sum += Math.exp(x[row * vocabulary + i] - top);
                }
                loss += top + Math.log(sum) - x[row * vocabulary + labels[row]];
                correct += best == labels[row] ? 1 : 0;
                for (int i = 0; i < vocabulary; i++) {
                    double p = Math.exp(x[row * vocabulary + i] - top) / sum;
                    double expected = (p - (i == labels[row] ? 1 : 0)) * SCALE;
                    assertThat(gradient[row * vocabulary + i])
                            .as("row %d, word %d".formatted(row, i))
                            .isCloseTo(expected, within(1e-9 + Math.abs(expected) / 200));
                }
            }
            assertThat(outcome.loss()).isCloseTo(loss, within(1e-5 * Math.max(1, loss)));
            assertThat(outcome.correct()).isEqualTo(correct);
        }
    }

    @Test
    void notANumberAndInfinityReachTheLoss() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            for (int place : new int[] {0, 31, 40, 66}) {
                try (Scope scope = Scope.open()) {
                    float[] values = new float[67];
                    values[place] = bad;
                    Tensor logits = Tensor.of(values, 1, 67).to(DType.BF16);
                    assertThat(CrossEntropyKernel.lossAndGradient(logits, new int[] {5}, 1)
                                    .loss())
                            .isNaN();
                }
            }
        }
    }

    @Test
    void aBannedWordGetsNoGradient() {
        try (Scope scope = Scope.open()) {
            float[] values = new float[70];
            values[3] = Float.NEGATIVE_INFINITY;
            Tensor logits = Tensor.of(values, 1, 70).to(DType.BF16);
            CrossEntropyKernel.Outcome outcome = CrossEntropyKernel.lossAndGradient(logits, new int[] {0}, 1);
            assertThat(outcome.loss()).isCloseTo(Math.log(69), within(1e-5));
            assertThat(logits.toFloats()[3]).isCloseTo(0, within(1e-30f));
        }
    }

    @Test
    void otherTypesAreRefused() {
        try (Scope scope = Scope.open()) {
            assertThatThrownBy(() -> CrossEntropyKernel.lossAndGradient(Tensor.zeros(DType.F32, 1, 4), new int[1], 1))
                    .hasMessageContaining("bf16");
        }
    }
}
