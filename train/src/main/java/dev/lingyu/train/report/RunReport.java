package dev.lingyu.train.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The pictures and the page of a run: `training_loss.svg` (and others), `run.html`, the model card `README.md`.
public final class RunReport {
    private final Path directory;
    private final ObjectNode record;
    private final LogHistory history;
    private final List<JsonNode> samples;

    /// @param record  the contents of run.json
    /// @param samples rows of generated answers, oldest first: `step`, `prompt`, `expected`, `answer`
    public RunReport(Path directory, ObjectNode record, LogHistory history, List<JsonNode> samples) {
        this.directory = directory;
        this.record = record;
        this.history = history;
        this.samples = samples;
    }

    private record Chart(String file, CurveChart curve) {}

    private List<Chart> charts() {
        List<Chart> charts = new ArrayList<>();
        charts.add(new Chart(
                "training_loss.svg",
                new CurveChart("Loss per token (nats)")
                        .line("training", history.series("loss"))
                        .line("held out", history.series("eval_loss"))));
        charts.add(new Chart(
                "training_eval_accuracy.svg",
                new CurveChart("Token accuracy on held-out rows")
                        .line("held out", history.series("eval_token_accuracy"))));
        charts.add(new Chart(
                "training_lr.svg", new CurveChart("Learning rate").line("learning rate", history.series("lr"))));
        charts.add(new Chart(
                "training_grad_norm.svg",
                new CurveChart("Gradient norm before clipping").line("gradient norm", history.series("grad_norm"))));
        charts.add(new Chart(
                "training_speed.svg",
                new CurveChart("Tokens per second").line("tokens/s", history.series("tokens_per_second"))));
        return charts.stream().filter(c -> !c.curve().isEmpty()).toList();
    }

    /// Writes all files, each whole or not at all.
    public void write() throws IOException {
        StringBuilder page = new StringBuilder(HEAD.formatted(Html.escape(title())));
        page.append("<h1>").append(Html.escape(title())).append("</h1>\n");
        page.append(table("Outcome", record.path("metrics")));
        for (Chart chart : charts()) {
            String svg = chart.curve().svg();
            write(chart.file(), svg);
            page.append("<figure>").append(svg).append("</figure>\n");
        }
        if (!samples.isEmpty()) {
            page.append("<h2>Generated at checks</h2>\n");
            samples.forEach(row -> page.append(sample(row)));
        }
        page.append(table("Settings", record.path("config")));
        page.append(table("Made from", record.path("parents")));
        page.append(table("Machine", record.path("machine")));
        page.append(table("Versions", record.path("versions")));
        write("run.html", page.append("</body>\n</html>\n").toString());
        write("README.md", modelCard());
    }

    private String title() {
        Path name = directory.toAbsolutePath().normalize().getFileName();
        return (name == null ? "run" : name.toString()) + " ("
                + record.path("stage").asText() + ")";
    }

    private static String table(String heading, JsonNode fields) {
        if (fields.isEmpty()) {
            return "";
        }
        StringBuilder html = new StringBuilder("<h2>" + heading + "</h2>\n<table>\n");
        for (Map.Entry<String, JsonNode> field : fields.properties()) {
            html.append("<tr><th>")
                    .append(Html.escape(field.getKey()))
                    .append("</th><td>")
                    .append(Html.escape(value(field.getValue())))
                    .append("</td></tr>\n");
        }
        return html.append("</table>\n").toString();
    }

    private static String value(JsonNode node) {
        if (node.isFloatingPointNumber()) {
            return String.format(Locale.ROOT, "%.6g", node.doubleValue());
        }
        return node.isValueNode() ? node.asText() : node.toString();
    }

    private static String sample(JsonNode row) {
        return "<dl><dt>step %s</dt><dd class=\"prompt\">%s</dd><dd>%s</dd><dd class=\"expected\">%s</dd></dl>%n"
                .formatted(
                        row.path("step").asText(),
                        Html.escape(row.path("prompt").asText()),
                        Html.escape(row.path("answer").asText()),
                        Html.escape(row.path("expected").asText()));
    }

    /// The card that the Hugging Face hub shows: YAML facts, then what was done.
    private String modelCard() {
        JsonNode config = record.path("config");
        JsonNode metrics = record.path("metrics");
        StringBuilder card = new StringBuilder("---\nlibrary_name: transformers\n");
        String base = record.path("parents").path("model").asText("");
        if (!base.isEmpty()) {
            card.append("base_model: ").append(quoted(base)).append('\n');
        }
        card.append("tags:\n- lingyu\n- ").append(record.path("stage").asText()).append("\n---\n\n# ");
        card.append(title()).append("\n\n");
        card.append(base.isEmpty() ? "Trained from fresh weights" : "Trained from `" + base + "`");
        card.append(" with Lingyu, stage `")
                .append(record.path("stage").asText())
                .append("`, on ");
        List<String> datasets = new ArrayList<>();
        record.path("parents").path("datasets").forEach(d -> datasets.add("`" + d.asText() + "`"));
        card.append(String.join(", ", datasets)).append(".\n\n## Settings\n\n");
        for (String field : List.of(
                "finetuning_type",
                "learning_rate",
                "lr_scheduler_type",
                "warmup_ratio",
                "per_device_train_batch_size",
                "gradient_accumulation_steps",
                "num_train_epochs",
                "max_steps",
                "cutoff_len",
                "template",
                "seed")) {
            if (config.has(field)) {
                card.append("- ")
                        .append(field)
                        .append(": ")
                        .append(value(config.path(field)))
                        .append('\n');
            }
        }
        card.append("\n## Results\n\n| figure | value |\n| --- | --- |\n");
        for (Map.Entry<String, JsonNode> metric : metrics.properties()) {
            card.append("| ")
                    .append(metric.getKey())
                    .append(" | ")
                    .append(value(metric.getValue()))
                    .append(" |\n");
        }
        return card.append("\nEverything else about the run is in `run.json`; curves are in `run.html`.\n")
                .toString();
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    private void write(String name, String content) throws IOException {
        AtomicFile.write(directory.resolve(name), content);
    }

    private static final String HEAD = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>%s</title>
            <style>
            body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 760px; margin: 2rem auto; padding: 0 1rem; color: #1f2328; }
            figure { margin: 1.5rem 0; }
            table { border-collapse: collapse; width: 100%%; }
            th { text-align: left; font-weight: 500; padding-right: 1rem; vertical-align: top; white-space: nowrap; }
            td { overflow-wrap: anywhere; }
            tr { border-top: 1px solid #d0d7de; }
            dl { border-left: 3px solid #d0d7de; padding-left: .8rem; white-space: pre-wrap; }
            dd { margin: 0 0 .3rem 0; }
            .prompt { color: #57606a; }
            .expected { color: #1a7f37; }
            </style>
            </head>
            <body>
            """;
}
