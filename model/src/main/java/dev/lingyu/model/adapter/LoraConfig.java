package dev.lingyu.model.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// LoRA (Hu et al. 2021): `y = W x + b + s · B A x`, with A [r × in], B [out × r], `s = α / r`.
///
/// @param rank          r
/// @param alpha         α
/// @param dropout       the share of A's inputs that training drops
/// @param targets       the adapted layers
/// @param modulesToSave modules trained as a whole
/// @param bias          which biases are trained too
/// @param rsLora        `s = α / √r` (Kalajdzievski 2023)
/// @param dora          weight decomposition (Liu et al. 2024): `W' = m · (W + s·BA) / ‖W + s·BA‖`, the norm
///                      taken of each row
/// @param rankPattern   `rank_pattern`: r of modules whose name ends so
/// @param alphaPattern  `alpha_pattern`: α of modules whose name ends so
/// @param tieHead       `ensure_weight_tying`: a copy of a tied embedding is the head too
/// @param base          the base model, as written
public record LoraConfig(
        int rank,
        double alpha,
        double dropout,
        TargetModules targets,
        List<String> modulesToSave,
        Bias bias,
        boolean rsLora,
        boolean dora,
        Map<String, Double> rankPattern,
        Map<String, Double> alphaPattern,
        boolean tieHead,
        Optional<String> base)
        implements AdapterConfig {

    /// Which biases of the base an adapter has its own values for.
    public enum Bias {
        NONE,
        /// All of the model.
        ALL,
        /// Those of the adapted layers.
        LORA_ONLY;

        private String configName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Plain LoRA.
    public static LoraConfig of(int rank, double alpha, TargetModules targets) {
        return new LoraConfig(
                rank,
                alpha,
                0,
                targets,
                List.of(),
                Bias.NONE,
                false,
                false,
                Map.of(),
                Map.of(),
                false,
                Optional.empty());
    }

    public LoraConfig {
        if (rank < 1 || !(alpha > 0) || !(dropout >= 0 && dropout < 1)) {
            throw new AdapterException("LoRA needs a rank ≥ 1, an alpha above 0 and a dropout from 0 to below 1, found "
                    + rank + ", " + alpha + " and " + dropout + ".");
        }
    }

    static LoraConfig read(AdapterJson json) {
        String bias = json.text("bias").orElse("none");
        if (!List.of("none", "all", "lora_only").contains(bias)) {
            throw json.wrong("bias", "none, all or lora_only");
        }
        refuseOtherBeginnings(json);
        return new LoraConfig(
                json.positive("r", 8),
                json.number("lora_alpha", 8),
                json.number("lora_dropout", 0),
                json.targets(),
                json.texts("modules_to_save"),
                Bias.valueOf(bias.toUpperCase(Locale.ROOT)),
                json.flag("use_rslora"),
                json.flag("use_dora"),
                json.patterns("rank_pattern"),
                json.patterns("alpha_pattern"),
                json.flag("ensure_weight_tying"),
                json.text("base_model_name_or_path"));
    }

    /// PiSSA, OLoRA, CorDA and LoftQ take something out of the base when they begin, so their files alone do
    /// not say what the model computes.
    private static void refuseOtherBeginnings(AdapterJson json) {
        String beginning = json.word("init_lora_weights");
        if (!List.of("", "true", "false", "gaussian", "eva", "orthogonal").contains(beginning)) {
            throw json.notBuilt("init_lora_weights");
        }
    }

    /// r of a module.
    public int rankOf(String module) {
        return (int) (double) valueOf(module, rankPattern, rank);
    }

    /// s of a module.
    public double scaleOf(String module) {
        double r = rankOf(module);
        return valueOf(module, alphaPattern, alpha) / (rsLora ? Math.sqrt(r) : r);
    }

    private static double valueOf(String module, Map<String, Double> patterns, double otherwise) {
        for (Map.Entry<String, Double> entry : patterns.entrySet()) {
            if (TargetModules.compile("(.*\\.)?(" + entry.getKey() + ")")
                    .matcher(module)
                    .matches()) {
                return entry.getValue();
            }
        }
        return otherwise;
    }

    @Override
    public String peftType() {
        return "LORA";
    }

    @Override
    public AdapterConfig withBase(String path) {
        return new LoraConfig(
                rank,
                alpha,
                dropout,
                targets,
                modulesToSave,
                bias,
                rsLora,
                dora,
                rankPattern,
                alphaPattern,
                tieHead,
                Optional.of(path));
    }

    @Override
    public ObjectNode toJson(List<String> adapted, boolean fanInFanOut) {
        ObjectNode json = AdapterJson.common(this, adapted, fanInFanOut);
        json.put("r", rank);
        putNumber(json, "lora_alpha", alpha);
        json.put("lora_dropout", dropout);
        json.put("bias", bias.configName());
        json.put("use_rslora", rsLora);
        json.put("use_dora", dora);
        ObjectNode ranks = json.putObject("rank_pattern");
        rankPattern.forEach((module, r) -> putNumber(ranks, module, r));
        ObjectNode alphas = json.putObject("alpha_pattern");
        alphaPattern.forEach((module, a) -> putNumber(alphas, module, a));
        json.put("init_lora_weights", true);
        AdapterJson.putTexts(json, "layers_pattern", targets.layerPatterns());
        if (targets.layers().isEmpty()) {
            json.putNull("layers_to_transform");
        } else {
            targets.layers().forEach(json.putArray("layers_to_transform")::add);
        }
        if (tieHead) {
            // Older versions of PEFT refuse fields that they do not know.
            json.put("ensure_weight_tying", true);
        }
        return json;
    }

    private static void putNumber(ObjectNode json, String field, double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e9) {
            json.put(field, (int) value);
        } else {
            json.put(field, value);
        }
    }
}
