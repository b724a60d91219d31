package dev.lingyu.model;

import java.util.List;
import java.util.stream.Collectors;

/// All families that this program knows.
public final class Families {
    private static final List<Family> ALL = List.of(new BloomFamily(), new LlamaFamily());

    private Families() {}

    /// Every known family.
    public static List<Family> all() {
        return ALL;
    }

    /// The family of a `model_type`.
    ///
    /// @throws ModelException listing the supported ones
    public static Family of(String modelType) {
        return ALL.stream()
                .filter(family -> family.modelType().equals(modelType))
                .findFirst()
                .orElseThrow(() ->
                        new ModelException("Unknown \"model_type\" \"" + modelType + "\" in config.json. Supported: "
                                + ALL.stream().map(Family::modelType).collect(Collectors.joining(", ")) + "."));
    }
}
