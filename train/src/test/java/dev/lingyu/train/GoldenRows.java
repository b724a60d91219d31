package dev.lingyu.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.DatasetSpec;
import dev.lingyu.dataset.Datasets;
import dev.lingyu.dataset.Example;
import dev.lingyu.dataset.ExampleStream;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatTemplates;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/// One file of LLaMA-Factory's rows: the settings they were made with, and the rows.
record GoldenRows(JsonNode settings, List<JsonNode> rows) {
    private static final ObjectMapper JSON = new ObjectMapper();
    static final Path SHARED = Path.of(System.getProperty("lingyu.shared", "absent"));
    static final Path FOLDER = SHARED.resolve("golden/llamafactory");

    static List<String> names() throws IOException {
        if (!Files.isDirectory(FOLDER)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.map(f -> f.getFileName().toString())
                    .filter(n -> n.endsWith(".jsonl"))
                    .map(n -> n.replace(".jsonl", ""))
                    .sorted()
                    .toList();
        }
    }

    static GoldenRows read(String name) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        for (String line : Files.readAllLines(FOLDER.resolve(name + ".jsonl"))) {
            rows.add(JSON.readTree(line));
        }
        return new GoldenRows(rows.getFirst().path("settings"), rows.subList(1, rows.size()));
    }

    String stage() {
        return settings.path("stage").asText();
    }

    /// The longest row; LLaMA-Factory fills packed rows up to one token less than `cutoff_len`, and so do we.
    int cutoff() {
        return settings.path("cutoff_len").asInt() - (flag("packing") ? 1 : 0);
    }

    boolean flag(String name) {
        return settings.path(name).asBoolean();
    }

    /// The tokenizer of the settings, with the tokens that the template adds.
    Tokenizer tokenizer(Path scratch) throws IOException {
        String name = settings.path("tokenizer").asText();
        Path models = Path.of(System.getProperty("lingyu.models", "absent"));
        Path folder = switch (name) {
            case "smollm2" -> models.resolve("smollm2-135m-instruct");
            case "qwen2.5-coder-0.5b" -> models.resolve("qwen2.5-coder-0.5b-instruct");
            default -> SHARED.resolve("data/tokenizers").resolve(name);
        };
        Assumptions.assumeTrue(Files.isDirectory(folder), "Skipped: no tokenizer at " + folder + " (-Dlingyu.models)");
        if (!settings.has("added_tokens")) {
            return Tokenizer.open(folder);
        }
        ObjectNode file =
                (ObjectNode) JSON.readTree(folder.resolve(Tokenizer.FILE_NAME).toFile());
        settings.path("added_tokens")
                .properties()
                .forEach(token -> ((ArrayNode) file.get("added_tokens"))
                        .addObject()
                        .put("id", token.getValue().asInt())
                        .put("content", token.getKey())
                        .put("single_word", false)
                        .put("lstrip", false)
                        .put("rstrip", false)
                        .put("normalized", false)
                        .put("special", true));
        JSON.writeValue(scratch.resolve(Tokenizer.FILE_NAME).toFile(), file);
        for (String other : List.of("tokenizer_config.json", "generation_config.json")) {
            Files.copy(folder.resolve(other), scratch.resolve(other));
        }
        return Tokenizer.open(scratch);
    }

    ChatEncoder encoder(Tokenizer tokenizer) {
        Map<String, Object> variables = new LinkedHashMap<>();
        tokenizer
                .bosTokenId()
                .ifPresent(id -> variables.put("bos_token", tokenizer.token(id).orElseThrow()));
        tokenizer
                .eosTokenId()
                .ifPresent(id -> variables.put("eos_token", tokenizer.token(id).orElseThrow()));
        if (settings.has("enable_thinking")) {
            variables.put("enable_thinking", flag("enable_thinking"));
        }
        return new ChatEncoder(
                tokenizer, ChatTemplates.named(settings.path("template").asText()), variables);
    }

    /// The first examples of the settings' file.
    <E extends Example> List<E> examples(Class<E> shape) {
        String dataset = settings.path("dataset").asText();
        DatasetSpec spec;
        if (dataset.startsWith("llama_factory/")) {
            spec = DatasetSpec.of(dataset.replaceAll("llama_factory/|\\.jsonl?$", ""))
                    .withFolder(SHARED.resolve("data/llama_factory"));
        } else {
            spec = DatasetSpec.of(
                    dataset.startsWith("own")
                            ? FOLDER.resolve(dataset)
                            : SHARED.resolve("data").resolve(dataset));
        }
        List<E> examples = new ArrayList<>();
        int max = settings.path("max_samples").asInt();
        try (ExampleStream<E> stream = Datasets.open(spec, shape)) {
            while (examples.size() < max && stream.hasNext()) {
                examples.add(stream.next().example());
            }
        }
        return examples;
    }

    static int[] ints(JsonNode list) {
        int[] ints = new int[list.size()];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = list.get(i).asInt();
        }
        return ints;
    }
}
