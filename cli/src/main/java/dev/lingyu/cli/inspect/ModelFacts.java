package dev.lingyu.cli.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.ChatTemplate;
import dev.lingyu.model.DecoderConfig;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Position;
import dev.lingyu.model.RopeScaling;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/// A model directory.
final class ModelFacts {
    private static final ObjectMapper JSON = new ObjectMapper();

    private ModelFacts() {}

    static void add(Path directory, Facts facts) throws IOException {
        ModelConfig config = ModelConfig.read(directory);
        facts.add("kind", "model directory");
        family(config, facts);
        WeightFacts.addModel(directory, config, facts);
        shape(config.decoder(), facts);
        if (Files.isRegularFile(directory.resolve(Tokenizer.FILE_NAME))) {
            try (Tokenizer tokenizer = Tokenizer.open(directory)) {
                tokenizer(tokenizer, facts);
            }
        } else {
            facts.add("tokenizer", "none (no " + Tokenizer.FILE_NAME + "): takes and gives token ids");
        }
        template(ChatTemplate.read(directory), facts);
    }

    /// Which family it is of.
    static void family(ModelConfig config, Facts facts) {
        facts.add(
                "family",
                config.family().title() + " (model_type " + config.family().modelType() + ")");
        facts.add("architecture", architectures(config));
        facts.add(
                "verified",
                config.family().verified()
                        ? "logits and decodings of this family were compared with a reference's"
                        : "unverified: no reference was at hand to compare this family's logits with");
    }

    /// How large it is, and how it knows order.
    static void shape(DecoderConfig shape, Facts facts) {
        facts.add("layers", "" + shape.layers());
        facts.add("heads", heads(shape));
        facts.add("hidden size", shape.hiddenSize() + ", feed-forward " + shape.intermediateSize());
        facts.add("vocabulary", Facts.count(shape.vocabularySize()) + " rows of the embedding");
        facts.add("positions", position(shape.position()) + ", up to " + Facts.count(shape.maxPositions()) + " tokens");
        shape.slidingWindow()
                .ifPresent(window -> facts.add("window", window.tokens() + " tokens from layer " + window.fromLayer()));
    }

    private static String architectures(ModelConfig config) {
        JsonNode named = config.source().path("architectures");
        List<String> names = new ArrayList<>();
        named.forEach(name -> names.add(name.asText()));
        return names.isEmpty()
                ? config.family().architecture() + " (not named in config.json)"
                : String.join(", ", names);
    }

    private static String heads(DecoderConfig shape) {
        String sharing =
                shape.keyValueHeads() == shape.heads() ? "" : ", " + shape.keyValueHeads() + " of keys and values";
        return shape.heads() + " of " + shape.headSize() + sharing;
    }

    private static String position(Position position) {
        return switch (position) {
            case Position.Alibi alibi -> "ALiBi";
            case Position.Learned learned -> "learned";
            case Position.Rope rope ->
                String.format(Locale.ROOT, "RoPE, theta %,.0f", rope.theta())
                        + switch (rope.scaling()) {
                            case RopeScaling.None none -> "";
                            case RopeScaling.Linear linear -> ", scaled linearly by " + linear.factor();
                            case RopeScaling.Dynamic dynamic -> ", scaled dynamically by " + dynamic.factor();
                            case RopeScaling.Llama3 llama3 -> ", scaled as Llama 3 by " + llama3.factor();
                        };
        };
    }

    /// The vocabulary and the tokens with a role.
    static void tokenizer(Tokenizer tokenizer, Facts facts) throws IOException {
        facts.add(
                "tokenizer",
                kind(tokenizer) + ", " + Facts.count(tokenizer.vocabularySize()) + " tokens, sha256 "
                        + tokenizer.digest().substring(0, 16));
        List<String> special = new ArrayList<>();
        named("begin", tokenizer, tokenizer.bosTokenId(), special);
        tokenizer.eosTokenIds().forEach(id -> named("end", tokenizer, OptionalInt.of(id), special));
        named("pad", tokenizer, tokenizer.padTokenId(), special);
        named("unknown", tokenizer, tokenizer.unkTokenId(), special);
        facts.add("special tokens", special.isEmpty() ? "none" : String.join(", ", special));
    }

    private static void named(String role, Tokenizer tokenizer, OptionalInt id, List<String> special) {
        if (id.isPresent()) {
            special.add(role + " " + tokenizer.token(id.getAsInt()).orElse("?") + " (" + id.getAsInt() + ")");
        }
    }

    private static String kind(Tokenizer tokenizer) throws IOException {
        JsonNode root = JSON.readTree(tokenizer.definition());
        String type = root.path("model").path("type").asText("");
        boolean bytes =
                contains(root.path("pre_tokenizer"), "ByteLevel") || contains(root.path("decoder"), "ByteLevel");
        boolean fallback = root.path("model").path("byte_fallback").asBoolean(false);
        return (type.isEmpty() ? "of an unnamed type" : type)
                + (bytes ? ", byte-level" : "")
                + (fallback ? ", bytes where no token fits" : "");
    }

    private static boolean contains(JsonNode node, String type) {
        return node.findValues("type").stream()
                .map(JsonNode::asText)
                .collect(Collectors.toSet())
                .contains(type);
    }

    /// The chat template.
    static void template(Optional<ChatTemplate> template, Facts facts) {
        facts.add(
                "chat template",
                template.map(t -> t.source().length() + " characters, sha256 "
                                + t.digest().substring(0, 16))
                        .orElse("none"));
    }
}
