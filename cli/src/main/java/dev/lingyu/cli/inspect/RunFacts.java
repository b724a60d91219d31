package dev.lingyu.cli.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Where an output came from and how it turned out: its `run.json`.
final class RunFacts {
    private static final String FILE = "run.json";
    private static final List<String> FIRST = List.of("parents", "metrics", "final_metrics");
    private static final int LINES = 20;

    private RunFacts() {}

    static boolean isPresent(Path directory) {
        return Files.isRegularFile(directory.resolve(FILE));
    }

    /// Adds nothing where there is no `run.json`.
    static Facts add(Path directory, Facts facts) throws IOException {
        if (!isPresent(directory)) {
            return facts;
        }
        JsonNode run = JsonFile.read(directory.resolve(FILE));
        facts.add("run", FILE + " says:");
        for (String name : FIRST) {
            if (run.has(name)) {
                nested(name.replace('_', ' '), run.path(name), facts);
            }
        }
        for (Map.Entry<String, JsonNode> field : run.properties()) {
            if (!FIRST.contains(field.getKey()) && field.getValue().isValueNode()) {
                facts.add(field.getKey().replace('_', ' '), words(field.getValue()));
            }
        }
        return facts;
    }

    private static void nested(String label, JsonNode value, Facts facts) {
        if (value.isValueNode() || value.isEmpty()) {
            facts.add(label, value.isContainerNode() ? "none" : words(value));
            return;
        }
        List<String> lines = value.isObject()
                ? value.properties().stream()
                        .map(field -> field.getKey() + ": " + words(field.getValue()))
                        .toList()
                : value.valueStream().map(RunFacts::words).toList();
        for (int i = 0; i < Math.min(LINES, lines.size()); i++) {
            facts.add(i == 0 ? label : "", lines.get(i));
        }
        if (lines.size() > LINES) {
            facts.more("… and " + (lines.size() - LINES) + " more");
        }
    }

    private static String words(JsonNode value) {
        return Facts.oneLine(value.isTextual() ? value.asText() : value.toString());
    }
}
