package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LossScalerTest {
    @Test
    void anOverflowHalvesTheScaleAndManyGoodStepsDoubleIt() {
        LossScaler scaler = new LossScaler(true);
        assertThat(scaler.scale()).isEqualTo(65_536);
        scaler.overflowed();
        assertThat(scaler.scale()).isEqualTo(32_768);
        for (int step = 0; step < 2_000; step++) {
            scaler.good();
        }
        assertThat(scaler.scale()).isEqualTo(65_536);
    }

    @Test
    void theScaleNeverFallsBelowOne() {
        LossScaler scaler = new LossScaler(true);
        for (int step = 0; step < 40; step++) {
            scaler.overflowed();
        }
        assertThat(scaler.scale()).isEqualTo(1);
        assertThat(scaler.canShrink()).isFalse();
    }

    @Test
    void aRestoredScalerGoesOnWhereItWas() {
        LossScaler scaler = new LossScaler(true);
        scaler.overflowed();
        for (int step = 0; step < 1_999; step++) {
            scaler.good();
        }
        LossScaler restored = new LossScaler(true);
        restored.restore(scaler.state());
        restored.good();
        assertThat(restored.scale()).isEqualTo(65_536);
    }

    @Test
    void otherTypesAreNotScaled() {
        LossScaler scaler = new LossScaler(false);
        scaler.overflowed();
        scaler.restore("4096.0 7");
        assertThat(scaler.scale()).isEqualTo(1);
    }
}
