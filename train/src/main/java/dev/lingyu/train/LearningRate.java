package dev.lingyu.train;

import java.util.Map;

/// The learning rate over the steps of a run: a linear warm-up from 0, then one of several shapes.
///
/// As in transformers, step k (from 0) is taken with `peak · factor(k)`, so the first step of a warm-up has
/// rate 0.
///
/// @param shape       what follows the warm-up
/// @param peak        the configured `learning_rate`
/// @param warmupSteps steps of warm-up
/// @param totalSteps  steps of the run
public record LearningRate(Shape shape, double peak, int warmupSteps, int totalSteps) {
    /// What follows the warm-up.
    public enum Shape {
        /// `½ (1 + cos π p)` for the share p of the way from the warm-up's end to the last step.
        COSINE,
        /// `1 − p`.
        LINEAR,
        /// 1.
        CONSTANT;

        /// What `lr_scheduler_type` may say.
        static final Map<String, Shape> NAMES =
                Map.of("cosine", COSINE, "linear", LINEAR, "constant", CONSTANT, "constant_with_warmup", CONSTANT);
    }

    /// The rate of a step, counted from 0.
    public double at(int step) {
        if (step < warmupSteps) {
            return peak * step / Math.max(1, warmupSteps);
        }
        double progress = (step - warmupSteps) / (double) Math.max(1, totalSteps - warmupSteps);
        return peak
                * switch (shape) {
                    case COSINE -> Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
                    case LINEAR -> Math.max(0, 1 - progress);
                    case CONSTANT -> 1;
                };
    }
}
