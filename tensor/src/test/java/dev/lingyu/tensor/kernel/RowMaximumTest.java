package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowMaximumTest {
    @Test
    void findsTheFirstLargestOfEachRow() {
        Random random = new Random(4);
        for (int trial = 0; trial < 30; trial++) {
            int rows = 1 + random.nextInt(5);
            int columns = 1 + random.nextInt(5000);
            try (Scope scope = Scope.open();
                    Generator generator = Generator.seeded(trial)) {
                // Few distinct numbers, so that the largest comes again.
                Tensor x = Tensor.zeros(DType.F32, rows, columns)
                        .normalInPlace(0, 3, generator)
                        .to(DType.BF16);
                float[] values = x.toFloats();
                int[] found = RowMaximum.of(x);
                for (int row = 0; row < rows; row++) {
                    int best = 0;
                    for (int i = 1; i < columns; i++) {
                        best = values[row * columns + i] > values[row * columns + best] ? i : best;
                    }
                    assertThat(found[row]).isEqualTo(best);
                }
            }
        }
    }

    @Test
    void passesOverWhatIsNoNumber() {
        try (Scope scope = Scope.open()) {
            float[] row = new float[40];
            row[0] = Float.NaN;
            row[20] = Float.NaN;
            row[33] = Float.POSITIVE_INFINITY;
            assertThat(RowMaximum.of(Tensor.of(row, 1, 40).to(DType.BF16))).containsExactly(33);
        }
    }
}
