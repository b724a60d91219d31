package dev.lingyu.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.train.report.EventFile;
import dev.lingyu.train.report.LogHistory;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// `trainer_log.jsonl`: one JSON object per logged step or evaluation; and the same as TensorBoard events.
///
/// A resumed run first forgets the lines of steps that it will take again. The event file is written anew
/// then, from the lines that stay.
final class TrainingLog implements AutoCloseable {
    static final String FILE = "trainer_log.jsonl";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final BufferedWriter out;
    private final EventFile events;

    private TrainingLog(BufferedWriter out, EventFile events) {
        this.out = out;
        this.events = events;
    }

    /// @param firstStep steps that are done already
    static TrainingLog open(Path directory, int firstStep) throws IOException {
        Path file = directory.resolve(FILE);
        List<String> kept = new ArrayList<>();
        if (Files.isRegularFile(file) && firstStep > 0) {
            for (String line : Files.readAllLines(file)) {
                if (stepOf(line) <= firstStep) {
                    kept.add(line);
                }
            }
        }
        Files.write(file, kept);
        EventFile.removeAll(directory);
        TrainingLog log = new TrainingLog(
                Files.newBufferedWriter(file, StandardOpenOption.APPEND),
                EventFile.create(directory, System.currentTimeMillis() / 1000.0));
        for (String line : kept) {
            log.event(JSON.readTree(line));
        }
        return log;
    }

    /// A line that a kill cut short counts as never written.
    private static int stepOf(String line) {
        try {
            JsonNode node = JSON.readTree(line);
            return node == null ? Integer.MAX_VALUE : node.path("current_steps").asInt(Integer.MAX_VALUE);
        } catch (IOException e) {
            return Integer.MAX_VALUE;
        }
    }

    /// @param loss the mean over the steps since the last line
    void step(TrainingListener.StepReport report, double loss) throws IOException {
        ObjectNode node = JSON.createObjectNode();
        node.put("current_steps", report.step());
        node.put("total_steps", report.totalSteps());
        node.put("loss", loss);
        node.put("lr", report.learningRate());
        node.put("grad_norm", report.gradientNorm());
        node.put("epoch", report.epoch());
        node.put("tokens", report.tokens());
        node.put("tokens_per_second", report.tokensPerSecond());
        node.put("mfu", report.mfu());
        if (report.skipped()) {
            node.put("skipped", true);
        }
        write(node);
    }

    void evaluation(int step, TrainingListener.EvaluationReport report) throws IOException {
        ObjectNode node = JSON.createObjectNode();
        node.put("current_steps", step);
        node.put("eval_loss", report.loss());
        node.put("eval_perplexity", report.perplexity());
        node.put("eval_token_accuracy", report.accuracy());
        write(node);
    }

    private void write(ObjectNode node) throws IOException {
        out.write(JSON.writeValueAsString(node));
        out.newLine();
        out.flush();
        event(node);
    }

    private void event(JsonNode line) throws IOException {
        int step = line.path("current_steps").asInt();
        double now = System.currentTimeMillis() / 1000.0;
        for (Map.Entry<String, Double> figure : LogHistory.figures(line).entrySet()) {
            String name = figure.getKey();
            String tag = name.startsWith("eval_") ? "eval/" + name.substring(5) : "train/" + name;
            events.scalar(now, step, tag, figure.getValue());
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
        events.close();
    }
}
