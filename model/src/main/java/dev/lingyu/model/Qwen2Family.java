package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Optional;

/// Qwen2 and Qwen2.5 (Yang et al. 2024): LLaMA with biases on query, key and value.
final class Qwen2Family implements Family {
    @Override
    public String modelType() {
        return "qwen2";
    }

    @Override
    public String title() {
        return "Qwen2, Qwen2.5";
    }

    @Override
    public String architecture() {
        return "Qwen2ForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        return LlamaFamily.common(json)
                .biases(new DecoderConfig.Biases(true, false, false))
                .slidingWindow(window(json))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        LlamaFamily.writeCommon(config, json);
        writeWindow(config, json);
    }

    /// Files carry a `sliding_window` that counts only where `use_sliding_window` says so, and only from the
    /// layer `max_window_layers` on.
    static Optional<DecoderConfig.Window> window(ConfigJson json) {
        int fromLayer = json.numberOr(28, "max_window_layers") < 1 ? 0 : json.positiveOr(28, "max_window_layers");
        return json.flagOr(false, "use_sliding_window")
                ? Optional.of(new DecoderConfig.Window(json.positiveOr(4096, "sliding_window"), fromLayer))
                : Optional.empty();
    }

    static void writeWindow(DecoderConfig config, ObjectNode json) {
        json.put("use_sliding_window", config.slidingWindow().isPresent());
        config.slidingWindow().ifPresent(window -> {
            json.put("sliding_window", window.tokens());
            json.put("max_window_layers", window.fromLayer());
        });
    }

    @Override
    public Map<Part, String> names() {
        return LlamaFamily.separateNames();
    }

    @Override
    public String optionalPrefix() {
        return "model.";
    }
}
