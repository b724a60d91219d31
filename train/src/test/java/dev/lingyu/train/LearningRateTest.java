package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Schedules against values of transformers 5.23: 4 steps of warm-up, 20 in all, peak 1.
class LearningRateTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            COSINE       | 0.1 | 0  | 1 | 1:0.25 4:1 7:0.9241613 12:0.55 16:0.2318019 19:0.1086466
            WSD          | 0.1 | 10 | 1 | 0:0.1 1:0.325 4:1 10:1 11:0.9779754 15:0.55 19:0.1220246
            POLYNOMIAL   | 0.1 | 0  | 2 | 1:0.25 4:1 8:0.60625 12:0.325 19:0.1035156
            INVERSE_SQRT | 0   | 0  | 1 | 3:0.75 4:1 5:0.8944272 12:0.5773503 19:0.4588315
            LINEAR       | 0   | 0  | 1 | 0:0 4:1 12:0.5 19:0.0625
            CONSTANT     | 0   | 0  | 1 | 2:0.5 4:1 19:1
            """)
    void equalsTransformers(LearningRate.Shape shape, double floor, int decaySteps, double power, String expected) {
        LearningRate rate = new LearningRate(shape, 1, 4, 20, new LearningRate.Options(floor, decaySteps, power));
        for (String pair : expected.split(" ")) {
            int step = Integer.parseInt(pair.substring(0, pair.indexOf(':')));
            double value = Double.parseDouble(pair.substring(pair.indexOf(':') + 1));
            assertThat(rate.at(step)).as("step " + step).isCloseTo(value, within(1e-6));
        }
    }
}
