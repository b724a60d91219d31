package dev.lingyu.model;

import java.util.List;
import java.util.stream.Collectors;

/// All families that this program knows.
public final class Families {
    // Where two share a model_type, the one that claims fewer configs comes first.
    private static final List<Family> ALL = List.of(
            new BloomFamily(),
            new LlamaFamily(),
            new MistralFamily(),
            new Qwen2Family(),
            new Qwen3Family(),
            new BaichuanAlibiFamily(),
            new BaichuanFamily(),
            new ChatGlmFamily(),
            new GlmFamily(),
            new Gpt2Family(),
            new MegatronGptFamily());

    private Families() {}

    /// Every known family.
    public static List<Family> all() {
        return ALL;
    }

    /// The family of a `model_type`; the plain one where several share it.
    ///
    /// @throws ModelException listing the supported ones
    public static Family of(String modelType) {
        return ALL.stream()
                .filter(family -> family.modelType().equals(modelType))
                .reduce((rarer, plain) -> plain)
                .orElseThrow(() -> unknown(modelType));
    }

    /// The family that a `config.json` describes.
    ///
    /// @throws ModelException listing the supported ones
    static Family of(String modelType, ConfigJson json) {
        return ALL.stream()
                .filter(family -> family.modelType().equals(modelType) && family.claims(json))
                .findFirst()
                .orElseThrow(() -> unknown(modelType));
    }

    private static ModelException unknown(String modelType) {
        if (EncoderConfig.isEncoder(modelType)) {
            return new ModelException("config.json describes an encoder (\"model_type\" \"" + modelType
                    + "\"), which turns texts into vectors; expected a model that predicts tokens.");
        }
        return new ModelException("Unknown \"model_type\" \"" + modelType + "\" in config.json. Supported: "
                + ALL.stream().map(Family::modelType).distinct().collect(Collectors.joining(", ")) + ".");
    }
}
