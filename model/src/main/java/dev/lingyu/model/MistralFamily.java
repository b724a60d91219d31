package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Optional;

/// Mistral 7B (Jiang et al. 2023): LLaMA with a sliding window.
final class MistralFamily implements Family {
    @Override
    public String modelType() {
        return "mistral";
    }

    @Override
    public String title() {
        return "Mistral";
    }

    @Override
    public String architecture() {
        return "MistralForCausalLM";
    }

    @Override
    public DecoderConfig read(ConfigJson json) {
        int window = json.positiveOr(Integer.MAX_VALUE, "sliding_window");
        return LlamaFamily.common(json)
                .slidingWindow(
                        window == Integer.MAX_VALUE
                                ? Optional.empty()
                                : Optional.of(new DecoderConfig.Window(window, 0)))
                .build();
    }

    @Override
    public void write(DecoderConfig config, ObjectNode json) {
        LlamaFamily.writeCommon(config, json);
        config.slidingWindow()
                .ifPresentOrElse(w -> json.put("sliding_window", w.tokens()), () -> json.putNull("sliding_window"));
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
