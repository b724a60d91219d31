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
/// @param options     what some shapes need besides
public record LearningRate(Shape shape, double peak, int warmupSteps, int totalSteps, Options options) {
    /// What follows the warm-up; p is the share of the way from its end to the last step.
    public enum Shape {
        /// `½ (1 + cos π p)`, brought up to the floor: `f (1 − floor) + floor`.
        COSINE,
        /// `1 − p`.
        LINEAR,
        /// 1.
        CONSTANT,
        /// `(1 − p)^power`, from the peak down to the floor.
        POLYNOMIAL,
        /// `1 / √(step / warm-up)`, with a warm-up of 10,000 where there is none.
        INVERSE_SQRT,
        /// Warm-up, stable, decay (Hu et al. 2024, MiniCPM): 1, and over the last `decaySteps` a half cosine
        /// down to the floor.
        WSD;

        /// What `lr_scheduler_type` may say.
        static final Map<String, Shape> NAMES = Map.of(
                "cosine",
                COSINE,
                "cosine_with_min_lr",
                COSINE,
                "linear",
                LINEAR,
                "constant",
                CONSTANT,
                "constant_with_warmup",
                CONSTANT,
                "polynomial",
                POLYNOMIAL,
                "inverse_sqrt",
                INVERSE_SQRT,
                "warmup_stable_decay",
                WSD);
    }

    /// `lr_scheduler_kwargs`.
    ///
    /// @param floor      the lowest rate as a share of the peak (`min_lr_rate`, `min_lr_ratio`, or `min_lr` ÷
    ///                   peak)
    /// @param decaySteps `num_decay_steps` of WSD; 0 for two thirds of what follows the warm-up
    /// @param power      `power` of the polynomial
    public record Options(double floor, int decaySteps, double power) {
        /// No floor, power 1.
        public static final Options NONE = new Options(0, 0, 1);
    }

    /// A schedule without options.
    public LearningRate(Shape shape, double peak, int warmupSteps, int totalSteps) {
        this(shape, peak, warmupSteps, totalSteps, Options.NONE);
    }

    /// The rate of a step, counted from 0.
    public double at(int step) {
        if (step < warmupSteps) {
            double risen = (double) step / Math.max(1, warmupSteps);
            return peak * (shape == Shape.WSD ? aboveFloor(risen) : risen);
        }
        double progress = (step - warmupSteps) / (double) Math.max(1, totalSteps - warmupSteps);
        return peak
                * switch (shape) {
                    case COSINE -> aboveFloor(Math.max(0, halfCosine(progress)));
                    case LINEAR -> Math.max(0, 1 - progress);
                    case CONSTANT -> 1;
                    case POLYNOMIAL -> aboveFloor(Math.pow(Math.max(0, 1 - progress), options.power()));
                    case INVERSE_SQRT -> inverseRoot(step);
                    case WSD -> stableThenDecay(step);
                };
    }

    private static double halfCosine(double progress) {
        return 0.5 * (1 + Math.cos(Math.PI * progress));
    }

    private double aboveFloor(double factor) {
        return factor * (1 - options.floor()) + options.floor();
    }

    private double inverseRoot(int step) {
        int scale = warmupSteps > 0 ? warmupSteps : 10_000;
        return 1 / Math.sqrt((step + scale - warmupSteps) / (double) scale);
    }

    private double stableThenDecay(int step) {
        int remaining = totalSteps - warmupSteps;
        int decay = options.decaySteps() > 0 ? Math.min(options.decaySteps(), remaining) : remaining - remaining / 3;
        int stable = remaining - decay;
        if (step < warmupSteps + stable) {
            return 1;
        }
        double progress = (step - warmupSteps - stable) / (double) Math.max(1, decay);
        return progress < 1 ? aboveFloor(Math.max(0, halfCosine(progress))) : options.floor();
    }
}
