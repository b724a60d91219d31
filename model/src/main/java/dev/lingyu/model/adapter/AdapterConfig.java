package dev.lingyu.model.adapter;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What `adapter_config.json` says: the kind of adapter, its settings, where it goes and what it belongs to.
public sealed interface AdapterConfig permits LoraConfig, Ia3Config {
    /// The file's name.
    String FILE = "adapter_config.json";

    /// The linear layers that are adapted.
    TargetModules targets();

    /// `modules_to_save`: modules of which the adapter has a whole copy of its own.
    List<String> modulesToSave();

    /// `base_model_name_or_path`, as written.
    Optional<String> base();

    /// The same settings for another base.
    AdapterConfig withBase(String path);

    /// How PEFT calls the kind, such as `LORA`.
    String peftType();

    /// The document that PEFT reads.
    ///
    /// @param adapted      the modules that are adapted, for selections that PEFT keeps as a list
    /// @param fanInFanOut  whether the base stores its matrices as [in × out]
    ObjectNode toJson(List<String> adapted, boolean fanInFanOut);

    /// What the adapted model is for, as PEFT has to know before it loads one.
    enum Task {
        CAUSAL_LM,
        /// Scores texts.
        SEQ_CLS;

        /// Adds the task, and modules that it needs whole, to an adapter's document.
        public ObjectNode describe(ObjectNode json, List<String> whole) {
            json.put("task_type", name());
            if (!whole.isEmpty()) {
                ArrayNode modules = json.withArray("modules_to_save");
                Set<String> there = new HashSet<>();
                modules.forEach(module -> there.add(module.asText()));
                whole.stream().filter(there::add).forEach(modules::add);
            }
            return json;
        }
    }

    /// Whether a directory is a PEFT adapter.
    static boolean isPresent(Path directory) {
        return Files.isRegularFile(directory.resolve(FILE));
    }

    /// Reads a directory's `adapter_config.json`.
    ///
    /// @throws AdapterException when it is missing or unsound, is of a kind that is not built, or sets an
    ///     option that would change the result and is not built, naming it
    static AdapterConfig read(Path directory) {
        AdapterJson json = AdapterJson.read(directory.resolve(FILE));
        String type = json.text("peft_type").orElse("");
        AdapterConfig config = switch (type) {
            case "LORA" -> LoraConfig.read(json);
            case "IA3" -> Ia3Config.read(json);
            case "" -> throw json.wrong("peft_type", "LORA or IA3");
            default -> throw json.wrong("peft_type", "LORA or IA3; other kinds of adapters are not built");
        };
        json.refuseTheRest();
        return config;
    }

    /// The directory of the base model: its path read from the adapter's directory, else as given.
    ///
    /// @throws AdapterException when neither is there, saying what to do
    static Path baseOf(Path directory) {
        String base = AdapterJson.read(directory.resolve(FILE))
                .text("base_model_name_or_path")
                .filter(text -> !text.isBlank())
                .orElseThrow(() -> new AdapterException(directory + " is an adapter whose " + FILE
                        + " names no base model: give both, --model BASE --adapter " + directory + "."));
        Path beside = directory.resolve(base).normalize();
        if (Files.isDirectory(beside)) {
            return beside;
        }
        if (Files.isDirectory(Path.of(base))) {
            return Path.of(base);
        }
        throw new AdapterException(
                ("%s is an adapter to the base model \"%s\", which is not there (looked for %s and %s): "
                                + "give both, --model BASE --adapter %s.")
                        .formatted(
                                directory,
                                base,
                                beside,
                                Path.of(base).toAbsolutePath().normalize(),
                                directory));
    }
}
