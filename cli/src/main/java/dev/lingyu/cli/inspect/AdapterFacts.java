package dev.lingyu.cli.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// An adapter in PEFT's layout.
final class AdapterFacts {
    private static final String CONFIG = "adapter_config.json";
    private static final String WEIGHTS = "adapter_model.safetensors";

    private AdapterFacts() {}

    static boolean isPresent(Path directory) {
        return Files.isRegularFile(directory.resolve(CONFIG));
    }

    static void add(Path directory, Facts facts) throws IOException {
        JsonNode config = JsonFile.read(directory.resolve(CONFIG));
        facts.add("kind", "PEFT adapter");
        for (List<String> field : List.of(
                List.of("peft_type", "type"),
                List.of("base_model_name_or_path", "base model"),
                List.of("task_type", "task"),
                List.of("r", "rank"),
                List.of("lora_alpha", "alpha"),
                List.of("target_modules", "target modules"),
                List.of("modules_to_save", "whole modules"))) {
            JsonNode value = config.path(field.getFirst());
            if (!value.isMissingNode() && !value.isNull()) {
                facts.add(field.getLast(), value.isTextual() ? value.asText() : Facts.oneLine(value.toString()));
            }
        }
        for (String flag : List.of("use_dora", "use_rslora", "fan_in_fan_out")) {
            if (config.path(flag).asBoolean(false)) {
                facts.add(flag, "true");
            }
        }
        if (Files.isRegularFile(directory.resolve(WEIGHTS))) {
            WeightFacts.addFile(directory.resolve(WEIGHTS), facts);
        } else {
            facts.add("parameters", "none: no " + WEIGHTS);
        }
    }
}
