package dev.lingyu.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunReportTest {
    @TempDir
    Path directory;

    @Test
    void aRunLeavesCurvesAPageAndACardWithNothingUnescaped() throws Exception {
        ObjectMapper json = new ObjectMapper();
        Path log = directory.resolve("trainer_log.jsonl");
        Files.writeString(log, """
                {"current_steps": 1, "total_steps": 3, "loss": 3.5, "lr": 1e-5, "grad_norm": 2}
                {"current_steps": 2, "total_steps": 3, "loss": 2.5, "lr": 9e-6, "grad_norm": 1}
                {"current_steps": 2, "eval_loss": 2.75, "eval_token_accuracy": 0.4}
                {"current_steps": 3, "total_steps": 3, "loss": NaN, "lr": 8e-6, "gr""");
        ObjectNode record = (ObjectNode) json.readTree("""
                {"stage": "sft", "parents": {"model": "基座<b>", "datasets": ["talks.jsonl"]},
                 "config": {"learning_rate": 1e-5}, "metrics": {"train_loss": 2.5}}""");
        List<com.fasterxml.jackson.databind.JsonNode> samples = List.of(json.readTree(
                "{\"step\": 2, \"prompt\": \"<script>\", \"expected\": \"450升\", \"answer\": \"a & b\"}"));
        new RunReport(directory, record, LogHistory.read(log), samples).write();
        String page = Files.readString(directory.resolve("run.html"));
        assertThat(page)
                .contains("&lt;script&gt;", "450升", "a &amp; b", "基座&lt;b&gt;", "<svg")
                .doesNotContain("<script>");
        String svg = Files.readString(directory.resolve("training_loss.svg"));
        assertThat(DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)))
                        .getElementsByTagName("polyline")
                        .getLength())
                .as("training and held-out curves")
                .isEqualTo(2);
        assertThat(Files.readString(directory.resolve("README.md")))
                .startsWith("---\nlibrary_name: transformers\nbase_model: \"基座<b>\"\n")
                .contains("| train_loss | 2.50000 |", "`talks.jsonl`");
    }
}
