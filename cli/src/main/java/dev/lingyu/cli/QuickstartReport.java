package dev.lingyu.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.data.sample.Statistics;
import dev.lingyu.dataset.AtomicFile;
import dev.lingyu.eval.AnswerTest;
import dev.lingyu.eval.HtmlPage;
import dev.lingyu.eval.HtmlPage.Cell;
import dev.lingyu.eval.Proportion;
import dev.lingyu.train.RunRecord;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What came of a quickstart: perplexity before and after post-training, answers before and after
/// fine-tuning, time and speed of each step, and, where the model began as another's, what that forgot; printed,
/// and written as `report.html` and `report.json`.
///
/// @param before     answers of the model before fine-tuning, or of the base model to the first questions
/// @param after      answers to known facts asked in other words
/// @param unknown    answers about products that were in no training text
/// @param forgetting empty for a model from fresh weights
record QuickstartReport(
        Path directory,
        Statistics statistics,
        AnswerTest.Outcome before,
        AnswerTest.Outcome after,
        AnswerTest.Outcome unknown,
        Optional<Forgetting> forgetting) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int SAMPLES = 10;
    private static final String FROM_SCRATCH = "一个小型 BLOOM 从零开始：先读商城语料（后训练），再学会回答（指令微调），最后用没见过的问法和没见过的商品来考它。"
            + " A small BLOOM from fresh weights: it reads the store's texts (post-training), learns to answer "
            + "(fine-tuning), and is then asked in words, and about products, that it never saw.";

    void print(PrintWriter out) {
        out.printf("  held-out perplexity   %s before, %s after post-training%n", perplexity(true), perplexity(false));
        out.printf("  unseen phrasings      %s%n", before.accuracy());
        out.printf("    … after fine-tuning %s%n", after.accuracy());
        out.printf(
                Locale.ROOT,
                "    (always giving the commonest value would score %.1f %%)%n",
                100 * statistics.guessPhrasings());
        out.printf(
                Locale.ROOT,
                "  unseen products       %s; guessing %.1f %%%n",
                unknown.accuracy(),
                100 * statistics.guessNewProducts());
        forgetting.ifPresent(f -> out.printf(
                Locale.ROOT,
                "  general Chinese       perplexity %.2f before, %.2f after; %d, then %d of %d general questions right%n",
                f.before().perplexity(),
                f.after().perplexity(),
                f.before().general().right(),
                f.after().general().right(),
                f.after().general().answers().size()));
        for (AnswerTest.Answered answer : samples(after, 3)) {
            out.printf("  问 %s%n  答 %s  %s%n", answer.question(), answer.answer(), answer.right() ? "✓" : "✗");
        }
    }

    Path write() throws IOException {
        AtomicFile.write(
                directory.resolve("report.json"),
                JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(json()));
        Path page = directory.resolve("report.html");
        page().write(page);
        return page;
    }

    private ObjectNode json() {
        ObjectNode json = JSON.createObjectNode();
        evaluation(true)
                .ifPresent(e ->
                        json.put("perplexity_before", e.path("eval_perplexity").asDouble()));
        evaluation(false)
                .ifPresent(e ->
                        json.put("perplexity_after", e.path("eval_perplexity").asDouble()));
        json.put("accuracy_before_sft", before.accuracy().value());
        json.put("accuracy_phrasings", after.accuracy().value());
        json.put("accuracy_new_products", unknown.accuracy().value());
        json.put("questions_phrasings", after.answers().size());
        json.put("questions_new_products", unknown.answers().size());
        json.put("guess_phrasings", statistics.guessPhrasings());
        json.put("guess_new_products", statistics.guessNewProducts());
        json.put("questions_before_sft", before.answers().size());
        forgetting.ifPresent(f -> json.putObject("general_chinese")
                .put("base", f.base())
                .put("perplexity_before", f.before().perplexity())
                .put("perplexity_after", f.after().perplexity())
                .put("right_before", f.before().general().right())
                .put("right_after", f.after().general().right())
                .put("questions", f.after().general().answers().size()));
        for (String stage : List.of("pt", "sft")) {
            metrics(stage).ifPresent(m -> json.set(stage, m));
        }
        return json;
    }

    private HtmlPage page() {
        HtmlPage page = new HtmlPage("家电商城：领域模型报告 · the sample store's model");
        page.paragraph(forgetting.map(QuickstartReport::onABase).orElse(FROM_SCRATCH));
        page.paragraph(String.format(
                Locale.ROOT,
                "教了 %d 个商品和商城政策的 %d 个事实；另有 %d 个商品只用来考。 %d facts about %d products and the store's policies were "
                        + "taught; %d more products were kept for the test.",
                statistics.knownProducts(),
                statistics.facts(),
                statistics.newProducts(),
                statistics.facts(),
                statistics.knownProducts(),
                statistics.newProducts()));
        page.heading("结果 · What came of it");
        page.table(
                List.of("", "之前 before", "之后 after"),
                List.of(
                        List.of(
                                Cell.of("留出语料困惑度 · perplexity of held-out texts"),
                                Cell.number(perplexity(true)),
                                Cell.number(perplexity(false))),
                        List.of(
                                Cell.of("没见过的问法 · unseen phrasings of known facts"),
                                Cell.number(share(before.accuracy())),
                                Cell.number(share(after.accuracy()))),
                        List.of(
                                Cell.of("没见过的商品 · products never trained on"),
                                Cell.number("–"),
                                Cell.number(share(unknown.accuracy())))));
        page.note(String.format(
                Locale.ROOT,
                "总是回答最常见的值，问法测试能得 %.1f %%，新商品测试能得 %.1f %%。没学过的商品只能猜：这是模型诚实的边界。 "
                        + "Always giving an attribute's commonest value would score %.1f %% and %.1f %%. About products it never "
                        + "read of, the model can only guess: that is its honest limit; use document QA for those.",
                100 * statistics.guessPhrasings(),
                100 * statistics.guessNewProducts(),
                100 * statistics.guessPhrasings(),
                100 * statistics.guessNewProducts()));
        page.heading("每一步 · Each step");
        page.table(
                List.of("步骤 step", "训练参数 trained weights", "步数 updates", "时间 time", "速度 tokens/s", "损失 loss"), steps());
        page.heading("十个回答 · Ten answers side by side");
        page.table(
                List.of("问题 question", "参考 reference", "微调前 before", "微调后 after"), sideBySide(before, after, SAMPLES));
        page.heading("没见过的商品 · Products never trained on");
        page.table(
                List.of("问题 question", "参考 reference", "回答 answer"),
                samples(unknown, 5).stream()
                        .map(a -> List.of(
                                Cell.of(a.question()), Cell.of(a.expected()), Cell.judged(a.answer(), a.right())))
                        .toList());
        forgetting.ifPresent(f -> forgotten(page, f));
        page.note("配置 configs: " + directory.resolve("configs") + " · 数据 data: " + directory.resolve("domain"));
        return page;
    }

    private static String onABase(Forgetting f) {
        return "以开源模型 " + f.base() + " 为基座：LoRA 适配器先读商城语料（后训练），再学会回答（指令微调），最后用没见过的问法和没见过的商品来考它，"
                + "并检查它忘了什么。基座权重不变。 The open model " + f.base()
                + " with an adapter (LoRA) that reads the store's texts "
                + "(post-training) and learns to answer (fine-tuning); it is then asked in words, and about products, "
                + "that it never saw, and what it forgot meanwhile is measured. The base's weights stay as they are.";
    }

    private static void forgotten(HtmlPage page, Forgetting f) {
        page.heading("忘了什么 · What it forgot");
        page.paragraph(String.format(
                Locale.ROOT,
                "这里的短文和问题都与商城无关，训练里也没有。困惑度是模型每读一步平均在多少个词之间犹豫，越低越好；现在是原来的 %.2f 倍。 "
                        + "These texts and questions have nothing to do with the store, and training had none of them. "
                        + "Perplexity says between how many tokens a model wavers at each step of reading, so lower is "
                        + "better; it is now %.2f times the base's.",
                f.perplexityGrowth(),
                f.perplexityGrowth()));
        page.table(
                List.of("", "基座 base", "训练后 after"),
                List.of(
                        List.of(
                                Cell.of("通用中文困惑度 · perplexity of general Chinese"),
                                Cell.number(String.format(
                                        Locale.ROOT, "%.2f", f.before().perplexity())),
                                Cell.number(String.format(
                                        Locale.ROOT, "%.2f", f.after().perplexity()))),
                        List.of(
                                Cell.of("常识问题答对 · general questions answered right"),
                                Cell.number(score(f.before().general())),
                                Cell.number(score(f.after().general())))));
        page.table(
                List.of("问题 question", "参考 reference", "基座 base", "训练后 after"),
                sideBySide(
                        f.before().general(),
                        f.after().general(),
                        f.after().general().answers().size()));
        page.note("商城训练数据里没有通用内容，所以模型会变得像客服；减小学习率，或掺入一些通用对话，可以减轻遗忘。 The store's rows hold nothing general, so "
                + "the model turns into a shop assistant; a smaller learning rate, or some general conversations in the mix, keep "
                + "more of the rest.");
    }

    private static String score(AnswerTest.Outcome outcome) {
        return outcome.right() + " / " + outcome.answers().size();
    }

    private List<List<Cell>> steps() {
        List<List<Cell>> rows = new ArrayList<>();
        for (String stage : List.of("pt", "sft")) {
            Optional<JsonNode> found = metrics(stage);
            if (found.isPresent()) {
                JsonNode m = found.get();
                rows.add(List.of(
                        Cell.of(stage.equals("pt") ? "后训练 post-training (pt)" : "指令微调 fine-tuning (sft)"),
                        Cell.number(String.format(
                                Locale.ROOT, "%,d", m.path("trained_parameters").asLong())),
                        Cell.number(String.format(
                                Locale.ROOT, "%,d", m.path("steps").asLong())),
                        Cell.number(String.format(
                                Locale.ROOT, "%.0f s", m.path("seconds").asDouble())),
                        Cell.number(String.format(
                                Locale.ROOT,
                                "%,.0f",
                                m.path("tokens_per_second").asDouble())),
                        Cell.number(String.format(
                                Locale.ROOT, "%.3f", m.path("train_loss").asDouble()))));
            }
        }
        return rows;
    }

    private static List<List<Cell>> sideBySide(AnswerTest.Outcome before, AnswerTest.Outcome after, int most) {
        List<List<Cell>> rows = new ArrayList<>();
        int count =
                Math.min(most, Math.min(before.answers().size(), after.answers().size()));
        for (int i = 0; i < count; i++) {
            AnswerTest.Answered was = before.answers().get(i);
            AnswerTest.Answered is = after.answers().get(i);
            rows.add(List.of(
                    Cell.of(is.question()),
                    Cell.of(is.expected()),
                    Cell.judged(was.answer(), was.right()),
                    Cell.judged(is.answer(), is.right())));
        }
        return rows;
    }

    private static List<AnswerTest.Answered> samples(AnswerTest.Outcome outcome, int count) {
        return outcome.answers().subList(0, Math.min(count, outcome.answers().size()));
    }

    private static String share(Proportion proportion) {
        return proportion.toString();
    }

    private String perplexity(boolean first) {
        return evaluation(first)
                .map(e -> String.format(
                        Locale.ROOT, "%.1f", e.path("eval_perplexity").asDouble()))
                .orElse("–");
    }

    /// The first or last check on held-out texts in the log of post-training.
    private Optional<JsonNode> evaluation(boolean first) {
        List<JsonNode> found = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(directory.resolve("pt").resolve("trainer_log.jsonl"))) {
                JsonNode node = JSON.readTree(line);
                if (node.has("eval_perplexity")) {
                    found.add(node);
                }
            }
        } catch (IOException e) {
            return Optional.empty();
        }
        return found.isEmpty() ? Optional.empty() : Optional.of(first ? found.getFirst() : found.getLast());
    }

    private Optional<JsonNode> metrics(String stage) {
        return RunRecord.read(directory.resolve(stage)).map(r -> r.path("metrics"));
    }
}
