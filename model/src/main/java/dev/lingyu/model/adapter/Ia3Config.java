package dev.lingyu.model.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;

/// IA³ (Liu et al. 2022): a learned factor for every output feature of a layer, or, for feed-forward
/// modules, for every input feature.
///
/// @param targets            the adapted layers
/// @param feedForwardModules `feedforward_modules`: those of them whose inputs are scaled
/// @param modulesToSave      modules trained as a whole
/// @param base               the base model, as written
public record Ia3Config(
        TargetModules targets,
        Optional<TargetModules.Selection> feedForwardModules,
        List<String> modulesToSave,
        Optional<String> base)
        implements AdapterConfig {

    static Ia3Config read(AdapterJson json) {
        return new Ia3Config(
                json.targets(),
                json.selection("feedforward_modules"),
                json.texts("modules_to_save"),
                json.text("base_model_name_or_path"));
    }

    /// Whether a layer's inputs are scaled, not its outputs.
    public boolean isFeedForward(String module) {
        return feedForwardModules.filter(f -> f.selects(module)).isPresent();
    }

    @Override
    public String peftType() {
        return "IA3";
    }

    @Override
    public AdapterConfig withBase(String path) {
        return new Ia3Config(targets, feedForwardModules, modulesToSave, Optional.of(path));
    }

    @Override
    public ObjectNode toJson(List<String> adapted, boolean fanInFanOut) {
        ObjectNode json = AdapterJson.common(this, adapted, fanInFanOut);
        // PEFT wants these to be among target_modules by the same words.
        json.putArray("feedforward_modules");
        feedForwardModules.ifPresent(f -> AdapterJson.putSelection(json, "feedforward_modules", f, adapted));
        json.put("init_ia3_weights", true);
        return json;
    }
}
