package dev.lingyu.train;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.model.adapter.TargetModules;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a run changes of its model: `finetuning_type` and the fields that go with it, as LLaMA-Factory calls
/// them.
public sealed interface Tuning {
    /// `adapter_name_or_path`: adapters of earlier runs that the model begins with.
    List<Path> adapters();

    /// Every weight; earlier adapters are merged first.
    record Full(List<Path> adapters) implements Tuning {}

    /// An adapter; the base stays as it is.
    ///
    /// @param adapters  the last one is trained further, unless a new one is asked for
    /// @param createNew `create_new_adapter`
    /// @param config    a new adapter's settings
    record Lora(List<Path> adapters, boolean createNew, LoraConfig config) implements Tuning {}

    /// Some blocks, or modules of them; earlier adapters are merged first.
    ///
    /// @param layers       `freeze_trainable_layers`: the last n blocks, or the first n where negative
    /// @param modules      `freeze_trainable_modules`: modules of those blocks, or `all`
    /// @param extraModules `freeze_extra_modules`: modules outside of blocks
    record Freeze(List<Path> adapters, int layers, List<String> modules, List<String> extraModules) implements Tuning {}

    /// One file may serve several types by an override, so fields of another type are said, not refused.
    private static void onlyWith(Settings s, String type, boolean chosen, String... fields) {
        for (String field : fields) {
            JsonNode given = s.fields().path(field);
            if (!chosen && !given.isMissingNode() && !given.isNull()) {
                s.notice("\"" + field + "\" has no effect unless finetuning_type is " + type + ".");
            }
        }
    }

    /// Reads the fields.
    ///
    /// @throws TrainException naming a field that is wrong
    static Tuning read(Settings s) {
        enum Type {
            FULL,
            LORA,
            FREEZE
        }
        Type type = s.choice(
                "finetuning_type", "full", Map.of("full", Type.FULL, "lora", Type.LORA, "freeze", Type.FREEZE));
        onlyWith(
                s,
                "lora",
                type == Type.LORA,
                "lora_rank",
                "lora_alpha",
                "lora_dropout",
                "lora_target",
                "additional_target",
                "use_rslora",
                "use_dora",
                "create_new_adapter");
        onlyWith(
                s,
                "freeze",
                type == Type.FREEZE,
                "freeze_trainable_layers",
                "freeze_trainable_modules",
                "freeze_extra_modules");
        List<Path> adapters =
                s.texts("adapter_name_or_path").stream().map(Path::of).toList();
        // All fields are asked for, so that a misspelled one is compared with every name there is.
        Lora lora = new Lora(adapters, s.flag("create_new_adapter", false), lora(s));
        Freeze freeze = freeze(s, adapters);
        refuse(s, "pissa_init", "an adapter begins with B = 0, so that the base's weights stay as they are");
        refuse(s, "loraplus_lr_ratio", "A and B learn at the same rate; raise learning_rate instead");
        return switch (type) {
            case FULL -> new Full(adapters);
            case LORA -> lora;
            case FREEZE -> freeze;
        };
    }

    /// Fields of LLaMA-Factory that would change what is learned and are not built: refused unless switched off.
    private static void refuse(Settings s, String field, String instead) {
        boolean asked = s.text(field)
                .filter(value -> !List.of("false", "no", "off").contains(value))
                .isPresent();
        if (asked) {
            throw s.wrong(
                    field,
                    "nothing, because it is not built: " + instead,
                    s.fields().path(field));
        }
    }

    private static LoraConfig lora(Settings s) {
        int rank = s.whole("lora_rank", 8, 1);
        List<String> targets = s.texts("lora_target");
        boolean all = targets.isEmpty() || targets.contains("all");
        TargetModules.Selection selection = all ? new TargetModules.AllLinear() : new TargetModules.Names(targets);
        return new LoraConfig(
                rank,
                s.number("lora_alpha", 2.0 * rank, 1e-9, 1e9),
                s.number("lora_dropout", 0, 0, 0.999999),
                TargetModules.of(selection),
                s.texts("additional_target"),
                LoraConfig.Bias.NONE,
                s.flag("use_rslora", false),
                s.flag("use_dora", false),
                Map.of(),
                Map.of(),
                false,
                Optional.empty());
    }

    private static Freeze freeze(Settings s, List<Path> adapters) {
        List<String> modules = s.texts("freeze_trainable_modules");
        return new Freeze(
                adapters,
                s.whole("freeze_trainable_layers", 2, Integer.MIN_VALUE),
                modules.isEmpty() ? List.of("all") : modules,
                s.texts("freeze_extra_modules"));
    }
}
