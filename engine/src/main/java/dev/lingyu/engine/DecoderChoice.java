package dev.lingyu.engine;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/// Which decoder a request means: the one it names, else the one whose settings it names, as Hugging Face's
/// `generate` infers it.
///
/// Setting `num_beams`, `length_penalty` or `early_stopping` means beam search, setting `penalty_alpha`
/// contrastive search. Beside another decoder they are refused: somebody expects an effect that is not there.
public final class DecoderChoice {
    private static final Map<String, DecodingMethod> OWNERS = Map.of(
            "num_beams", DecodingMethod.BEAM,
            "length_penalty", DecodingMethod.BEAM,
            "early_stopping", DecodingMethod.BEAM,
            "penalty_alpha", DecodingMethod.CONTRASTIVE);

    /// The settings that belong to one decoder.
    public static final List<String> OWNED = OWNERS.keySet().stream().sorted().toList();

    private DecoderChoice() {}

    /// The decoder of a request.
    ///
    /// @param named     what the request calls its decoder
    /// @param given     those of [#OWNED] that the request sets
    /// @param otherwise the decoder where neither says anything
    /// @param spelling  how the request's writer spells the name of a setting
    /// @throws SamplingException when a setting belongs to another decoder than the one named, or two settings to
    ///     different ones
    public static DecodingMethod of(
            Optional<String> named, Set<String> given, DecodingMethod otherwise, UnaryOperator<String> spelling) {
        Optional<DecodingMethod> chosen = named.map(DecodingMethod::parse);
        for (String setting : OWNED) {
            DecodingMethod owner = OWNERS.getOrDefault(setting, otherwise);
            if (!given.contains(setting)) {
                continue;
            }
            if (chosen.isPresent() && chosen.get() != owner) {
                throw new SamplingException(
                        "%s is a setting of %s search and has no effect with %s; expected %s %s, or no %s."
                                .formatted(
                                        spelling.apply(setting),
                                        owner.label(),
                                        chosen.get().label(),
                                        spelling.apply("decoder"),
                                        owner.label(),
                                        spelling.apply(setting)));
            }
            chosen = Optional.of(owner);
        }
        return chosen.orElse(otherwise);
    }
}
