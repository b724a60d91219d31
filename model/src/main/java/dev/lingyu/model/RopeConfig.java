package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/// Rotary settings in `config.json`: `rope_theta` and `rope_scaling` (transformers 4) or `rope_parameters` (5).
final class RopeConfig {
    private RopeConfig() {}

    /// LLaMA's way: the whole head turns unless `partial_rotary_factor` says otherwise, in two halves.
    static Position.Rope read(ConfigJson json, int headSize, int maxPositions) {
        return read(json, headSize, maxPositions, 1.0, false);
    }

    /// @param usualShare  which share of a head turns where `partial_rotary_factor` is absent
    /// @param interleaved whether pairs are neighbours
    static Position.Rope read(ConfigJson json, int headSize, int maxPositions, double usualShare, boolean interleaved) {
        Optional<ConfigJson> parameters = json.object("rope_parameters");
        ConfigJson source = parameters.orElse(json);
        double theta = source.numberOr(10000.0, "rope_theta");
        double share = source.numberOr(json.numberOr(usualShare, "partial_rotary_factor"), "partial_rotary_factor");
        RopeScaling scaling = parameters
                .or(() -> json.object("rope_scaling"))
                .map(s -> scaling(s, maxPositions))
                .orElse(new RopeScaling.None());
        return new Position.Rope(theta, (int) (headSize * share), interleaved, scaling);
    }

    private static RopeScaling scaling(ConfigJson s, int maxPositions) {
        String type = s.textOr("default", "rope_type", "type");
        return switch (type) {
            case "default" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(s.numberOr(1.0, "factor"));
            case "dynamic" ->
                new RopeScaling.Dynamic(
                        s.numberOr(1.0, "factor"), s.positiveOr(maxPositions, "original_max_position_embeddings"));
            case "llama3" ->
                new RopeScaling.Llama3(
                        s.numberOr(8.0, "factor"),
                        s.numberOr(1.0, "low_freq_factor"),
                        s.numberOr(4.0, "high_freq_factor"),
                        s.positive("original_max_position_embeddings"));
            default ->
                throw s.wrong(
                        "rope_type",
                        "default, linear, dynamic or llama3",
                        s.root().path("rope_type"));
        };
    }

    static void write(DecoderConfig config, ObjectNode json) {
        if (!(config.position() instanceof Position.Rope rope)) {
            return;
        }
        // Both spellings: transformers 4 reads the first, transformers 5 the second.
        json.put("rope_theta", rope.theta());
        ObjectNode parameters = json.putObject("rope_parameters");
        parameters.put("rope_theta", rope.theta());
        if (rope.dimensions() < config.headSize()) {
            double share = (double) rope.dimensions() / config.headSize();
            json.put("partial_rotary_factor", share);
            parameters.put("partial_rotary_factor", share);
        }
        String type = switch (rope.scaling()) {
            case RopeScaling.None none -> "default";
            case RopeScaling.Linear linear -> {
                parameters.put("factor", linear.factor());
                yield "linear";
            }
            case RopeScaling.Dynamic dynamic -> {
                parameters.put("factor", dynamic.factor());
                parameters.put("original_max_position_embeddings", dynamic.originalPositions());
                yield "dynamic";
            }
            case RopeScaling.Llama3 llama3 -> {
                parameters.put("factor", llama3.factor());
                parameters.put("low_freq_factor", llama3.lowFrequencyFactor());
                parameters.put("high_freq_factor", llama3.highFrequencyFactor());
                parameters.put("original_max_position_embeddings", llama3.originalPositions());
                yield "llama3";
            }
        };
        parameters.put("rope_type", type);
        if (!type.equals("default")) {
            ObjectNode scaling = json.putObject("rope_scaling");
            scaling.setAll(parameters);
            scaling.remove("rope_theta");
            scaling.remove("partial_rotary_factor");
        } else {
            json.putNull("rope_scaling");
        }
    }
}
