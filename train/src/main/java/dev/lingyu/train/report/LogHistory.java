package dev.lingyu.train.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `trainer_log.jsonl` as series of points.
public final class LogHistory {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, List<Point>> series = new LinkedHashMap<>();

    /// A value at a step.
    ///
    /// @param step  updates made
    /// @param value as logged
    public record Point(int step, double value) {}

    private LogHistory() {}

    /// Reads a log; a line that a kill cut short is passed over.
    public static LogHistory read(Path file) throws IOException {
        LogHistory history = new LogHistory();
        if (Files.isRegularFile(file)) {
            for (String line : Files.readAllLines(file)) {
                history.add(line);
            }
        }
        return history;
    }

    private void add(String line) {
        JsonNode node;
        try {
            node = JSON.readTree(line);
        } catch (IOException e) {
            return;
        }
        if (node == null || !node.path("current_steps").isInt()) {
            return;
        }
        int step = node.path("current_steps").intValue();
        figures(node)
                .forEach((name, value) ->
                        series.computeIfAbsent(name, n -> new ArrayList<>()).add(new Point(step, value)));
    }

    /// The figures of one line of the log by name: its numbers, without the counts of steps.
    public static Map<String, Double> figures(JsonNode line) {
        Map<String, Double> figures = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : line.properties()) {
            if (field.getValue().isNumber() && !field.getKey().endsWith("_steps")) {
                figures.put(field.getKey(), field.getValue().doubleValue());
            }
        }
        return figures;
    }

    /// All series by the names of the log's fields, such as `loss` and `eval_loss`.
    public Map<String, List<Point>> series() {
        return series;
    }

    /// One series; empty where nothing was logged under that name.
    public List<Point> series(String name) {
        return series.getOrDefault(name, List.of());
    }
}
