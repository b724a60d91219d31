package dev.lingyu.cli.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.adapter.AdapterException;
import dev.lingyu.model.pickle.TorchFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// An adapter in PEFT's layout.
final class AdapterFacts {
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final String PICKLED = "adapter_model.bin";

    private AdapterFacts() {}

    static boolean isPresent(Path directory) {
        return AdapterConfig.isPresent(directory);
    }

    static void add(Path directory, Facts facts) throws IOException {
        JsonNode config = JsonFile.read(directory.resolve(AdapterConfig.FILE));
        facts.add("kind", "PEFT adapter");
        for (List<String> field : List.of(
                List.of("peft_type", "type"),
                List.of("task_type", "task"),
                List.of("r", "rank"),
                List.of("lora_alpha", "alpha"),
                List.of("lora_dropout", "dropout"),
                List.of("rank_pattern", "ranks of some"),
                List.of("alpha_pattern", "alphas of some"),
                List.of("target_modules", "target modules"),
                List.of("feedforward_modules", "of which inputs"),
                List.of("modules_to_save", "whole modules"),
                List.of("bias", "biases"))) {
            JsonNode value = config.path(field.getFirst());
            boolean nothing = value.isMissingNode() || value.isNull() || value.isContainerNode() && value.isEmpty();
            if (!nothing && !value.asText().equals("none")) {
                facts.add(field.getLast(), value.isTextual() ? value.asText() : Facts.oneLine(value.toString()));
            }
        }
        for (String flag : List.of("use_dora", "use_rslora", "fan_in_fan_out")) {
            if (config.path(flag).asBoolean(false)) {
                facts.add(flag, "true");
            }
        }
        addBase(directory, config, facts);
        addWeights(directory, facts);
        try {
            AdapterConfig.read(directory);
        } catch (AdapterException e) {
            facts.add("can't be used", String.valueOf(e.getMessage()));
        }
    }

    private static void addBase(Path directory, JsonNode config, Facts facts) {
        facts.add("base model", config.path("base_model_name_or_path").asText("not named"));
        try {
            facts.more("found at " + AdapterConfig.baseOf(directory));
        } catch (AdapterException e) {
            facts.more("not found from here: give both, --model BASE --adapter " + directory);
        }
    }

    private static void addWeights(Path directory, Facts facts) {
        if (Files.isRegularFile(directory.resolve(WEIGHTS))) {
            WeightFacts.addFile(directory.resolve(WEIGHTS), facts);
        } else if (Files.isRegularFile(directory.resolve(PICKLED))) {
            facts.add(
                    "tensors",
                    Facts.count(TorchFile.open(directory.resolve(PICKLED))
                                    .names()
                                    .size()) + ", in " + PICKLED);
        } else {
            facts.add("parameters", "none: no " + WEIGHTS);
        }
    }
}
