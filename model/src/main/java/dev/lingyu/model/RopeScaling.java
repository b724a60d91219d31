package dev.lingyu.model;

/// How rotary frequencies are changed for contexts longer than those a model was first trained on.
public sealed interface RopeScaling {
    /// Frequencies as trained.
    record None() implements RopeScaling {}

    /// Positions divided by a factor (Chen et al. 2023).
    record Linear(double factor) implements RopeScaling {}

    /// The base grows once a sequence is longer than trained ("NTK-aware").
    record Dynamic(double factor, int originalPositions) implements RopeScaling {}

    /// LLaMA 3.1's rule: long wavelengths are divided by the factor, short ones kept, those between
    /// interpolated.
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions)
            implements RopeScaling {}

    /// The inverse frequencies `θ^(−2i/d)` under this rule, in radians per position.
    ///
    /// @param length tokens of the longest sequence, which only [Dynamic] looks at
    default double[] inverseFrequencies(double theta, int dimensions, int length) {
        double base = theta;
        if (this instanceof Dynamic dynamic && length > dynamic.originalPositions()) {
            double stretch = dynamic.factor() * length / dynamic.originalPositions() - (dynamic.factor() - 1);
            base = theta * Math.pow(stretch, dimensions / (dimensions - 2.0));
        }
        double[] frequencies = new double[dimensions / 2];
        for (int i = 0; i < frequencies.length; i++) {
            // Rounded to float step by step as the reference does, so that angles agree at large positions.
            float exponent = (float) (2.0 * i) / dimensions;
            frequencies[i] = scaled((float) (1.0 / (float) Math.pow(base, exponent)));
        }
        return frequencies;
    }

    private double scaled(double frequency) {
        return switch (this) {
            case None none -> frequency;
            case Dynamic dynamic -> frequency;
            case Linear linear -> (float) (frequency / linear.factor());
            case Llama3 rule -> {
                double wavelength = 2 * Math.PI / frequency;
                double lowWavelength = rule.originalPositions() / rule.lowFrequencyFactor();
                double highWavelength = rule.originalPositions() / rule.highFrequencyFactor();
                if (wavelength < highWavelength) {
                    yield frequency;
                }
                if (wavelength > lowWavelength) {
                    yield (float) (frequency / rule.factor());
                }
                double smooth = (rule.originalPositions() / wavelength - rule.lowFrequencyFactor())
                        / (rule.highFrequencyFactor() - rule.lowFrequencyFactor());
                yield (float) ((1 - smooth) * frequency / rule.factor() + smooth * frequency);
            }
        };
    }
}
