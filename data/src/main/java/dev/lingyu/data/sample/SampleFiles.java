package dev.lingyu.data.sample;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/// Writes the domain's files, in LLaMA-Factory's layouts where there is one.
final class SampleFiles {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Some 430 tokens in a large model's vocabulary: enough for matrix products at full speed, one talk a step.
    private static final int TALK_QUESTIONS = 12;

    private final SampleDomain domain;

    SampleFiles(SampleDomain domain) {
        this.domain = domain;
    }

    void write(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new SampleDomainException(
                    "The sample domain can't be written to " + directory
                            + ": expected a directory that exists or can be created; name another one.",
                    e);
        }
        write(directory.resolve("corpus.jsonl"), texts(domain.corpus()));
        write(directory.resolve("corpus_heldout.jsonl"), texts(domain.heldOutCorpus()));
        write(
                directory.resolve("sft.json"),
                rows(domain.sft().stream().map(SampleFiles::alpaca).toList()));
        write(
                directory.resolve("sft_conversations.json"),
                rows(domain.sft().stream().map(SampleFiles::conversation).toList()));
        write(
                directory.resolve("sft_talks.json"),
                rows(domain.talks(TALK_QUESTIONS).stream()
                        .map(SampleFiles::alpaca)
                        .toList()));
        write(
                directory.resolve("sft_question_talks.json"),
                rows(domain.questionTalks(TALK_QUESTIONS).stream()
                        .map(SampleFiles::alpaca)
                        .toList()));
        write(directory.resolve("test_phrasings.jsonl"), tests(domain.heldOutPhrasings()));
        write(directory.resolve("test_new_products.jsonl"), tests(domain.heldOutFacts()));
        write(directory.resolve("catalogue.json"), catalogue());
        write(directory.resolve("policies.json"), policies());
        write(directory.resolve("dataset_info.json"), pretty(datasetInfo()));
        write(directory.resolve("README.md"), readme());
    }

    private static String texts(List<String> texts) {
        return lines(texts.stream()
                .map(text -> JSON.createObjectNode().put("text", text))
                .toList());
    }

    private static String tests(List<TestRow> tests) {
        return lines(tests.stream()
                .map(row -> {
                    ObjectNode node = JSON.createObjectNode()
                            .put("question", row.question())
                            .put("answer", row.answer())
                            .put("key", row.key())
                            .put("category", row.category())
                            .put("fact_id", row.factId());
                    if (!row.rivals().isEmpty()) {
                        node.set("rivals", array(row.rivals()));
                    }
                    return node;
                })
                .toList());
    }

    private static ObjectNode alpaca(SftRow row) {
        ObjectNode node = JSON.createObjectNode()
                .put("instruction", row.instruction())
                .put("input", row.input())
                .put("output", row.output());
        if (!row.history().isEmpty()) {
            ArrayNode history = node.putArray("history");
            row.history().forEach(turn -> history.addArray().add(turn.user()).add(turn.assistant()));
        }
        if (!row.system().isEmpty()) {
            node.put("system", row.system());
        }
        return node;
    }

    private static ObjectNode conversation(SftRow row) {
        ObjectNode node = JSON.createObjectNode();
        ArrayNode turns = node.putArray("conversations");
        row.history().forEach(turn -> {
            turns.add(turn("human", turn.user()));
            turns.add(turn("gpt", turn.assistant()));
        });
        turns.add(turn("human", row.asked()));
        turns.add(turn("gpt", row.output()));
        if (!row.system().isEmpty()) {
            node.put("system", row.system());
        }
        return node;
    }

    private static ObjectNode turn(String from, String value) {
        return JSON.createObjectNode().put("from", from).put("value", value);
    }

    private String catalogue() {
        Set<String> known =
                domain.knownProducts().stream().map(Product::model).collect(Collectors.toCollection(HashSet::new));
        Set<String> unseen =
                domain.newProducts().stream().map(Product::model).collect(Collectors.toCollection(HashSet::new));
        ObjectNode root = JSON.createObjectNode();
        ArrayNode categories = root.putArray("categories");
        for (Category category : domain.catalogue().categories()) {
            ObjectNode node = categories.addObject().put("id", category.id()).put("name", category.name());
            node.set("path", array(category.path()));
            node.put("description", category.description());
            node.set("contains", array(category.contains()));
            ArrayNode products = node.putArray("products");
            domain.catalogue().products().stream()
                    .filter(product -> product.category().equals(category))
                    .forEach(product -> {
                        String split = known.contains(product.model())
                                ? "known"
                                : unseen.contains(product.model()) ? "new" : "unused";
                        ObjectNode item = products.addObject()
                                .put("name", product.name())
                                .put("brand", product.brand())
                                .put("model", product.model())
                                .put("split", split);
                        ObjectNode values = item.putObject("attributes");
                        values.put("价格", product.values().get("price"));
                        category.attributes()
                                .forEach(attribute -> values.put(attribute.name(), product.value(attribute)));
                    });
        }
        return pretty(root);
    }

    private String policies() {
        ArrayNode root = JSON.createArrayNode();
        domain.catalogue()
                .policies()
                .forEach(policy -> root.addObject()
                        .put("id", policy.id())
                        .put("topic", policy.topic())
                        .put("key", policy.key())
                        .put("statement", policy.answer()));
        return pretty(root);
    }

    private static ObjectNode datasetInfo() {
        ObjectNode root = JSON.createObjectNode();
        for (String name : List.of("corpus", "corpus_heldout")) {
            root.putObject("home_appliances_" + name)
                    .put("file_name", name + ".jsonl")
                    .putObject("columns")
                    .put("prompt", "text");
        }
        for (String name : List.of("sft", "sft_talks", "sft_question_talks")) {
            root.putObject("home_appliances_" + name)
                    .put("file_name", name + ".json")
                    .putObject("columns")
                    .put("prompt", "instruction")
                    .put("query", "input")
                    .put("response", "output")
                    .put("system", "system")
                    .put("history", "history");
        }
        root.putObject("home_appliances_sft_conversations")
                .put("file_name", "sft_conversations.json")
                .put("formatting", "sharegpt")
                .putObject("columns")
                .put("messages", "conversations")
                .put("system", "system");
        return root;
    }

    private String readme() {
        Statistics statistics = domain.statistics();
        String parts = statistics.parts().stream()
                .map(part -> "| %s | %d | %d | %d |"
                        .formatted(part.name(), part.rows(), part.characters(), part.estimatedTokens()))
                .collect(Collectors.joining("\n"));
        return README.formatted(
                        statistics.size().name(),
                        statistics.seed(),
                        statistics.knownProducts(),
                        statistics.newProducts(),
                        statistics.facts(),
                        percent(statistics.guessPhrasings()),
                        percent(statistics.guessNewProducts()),
                        percent(statistics.guessPhrasings()),
                        percent(statistics.guessNewProducts()))
                + "\n| part | rows | characters | tokens (estimate) |\n|---|---|---|---|\n"
                + parts
                + "\n";
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f", 100 * share);
    }

    private static ArrayNode array(List<String> items) {
        ArrayNode array = JSON.createArrayNode();
        items.forEach(array::add);
        return array;
    }

    private static String lines(List<ObjectNode> nodes) {
        return nodes.stream().map(SampleFiles::compact).collect(Collectors.joining("\n", "", "\n"));
    }

    /// A JSON array with one row per line: readable, and diffs stay small.
    private static String rows(List<ObjectNode> nodes) {
        return nodes.stream().map(SampleFiles::compact).collect(Collectors.joining(",\n", "[\n", "\n]\n"));
    }

    private static String compact(Object node) {
        try {
            return JSON.writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A JSON tree can always be written.", e);
        }
    }

    private static String pretty(Object node) {
        try {
            // Jackson's printer uses the system's line break; files must be the same everywhere.
            return JSON.writerWithDefaultPrettyPrinter()
                            .writeValueAsString(node)
                            .replace("\r\n", "\n") + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A JSON tree can always be written.", e);
        }
    }

    private static void write(Path file, String content) {
        try {
            AtomicFile.write(file, content);
        } catch (IOException e) {
            throw new SampleDomainException(
                    "The sample domain's file " + file + " can't be written (" + e.getMessage()
                            + "); free space or name a directory you may write to.",
                    e);
        }
    }

    private static final String README = """
            # 家电商城示例数据 · Home-appliance sample domain

            规模 size %s，随机种子 seed %d；已知商品 known products %d，新商品 new products %d，训练覆盖的事实 facts taught %d。

            ## 中文
            所有品牌、商品与政策均为虚构。同样的规模和种子生成完全相同的文件。
            - `corpus.jsonl`：后训练语料（商品介绍、品类描述、对话日志、政策）；`corpus_heldout.jsonl`：同一批事实的全新表述，用来测困惑度。
            - `sft.json`：alpaca 格式指令数据；`sft_conversations.json`：内容相同的对话格式；`sft_talks.json`：内容相同，每段对话十二个问题，系统提示只读一次；三者选一即可。`sft_question_talks.json`：其中关于事实的问题另排一遍，想让模型记得更牢就一起用。
            - `test_phrasings.jsonl`：训练教过的事实，换一种从未出现过的问法。
            - `test_new_products.jsonl`：训练中从未出现的商品，模型只能猜，用来如实反映能力边界。
            - `catalogue.json`、`policies.json`：商品与政策的原始事实；`dataset_info.json`：数据集登记表。
            总是回答最常见的值，两个测试的得分分别是 %s%% 和 %s%%。

            ## English
            All brands, products and policies are invented. The same size and seed give the same files.
            - `corpus.jsonl`: post-training texts (introductions, categories, dialogue logs, policies); `corpus_heldout.jsonl`: the same facts in new wordings, for perplexity.
            - `sft.json`: instruction rows in the alpaca form; `sft_conversations.json`: the same rows as conversations; `sft_talks.json`: the same rows, twelve questions to a conversation, so that a system prompt is read once: use one of the three. `sft_question_talks.json`: the questions about facts among them once more, in another order: take it too for facts that must stick.
            - `test_phrasings.jsonl`: facts that training taught, asked in phrasings it never used.
            - `test_new_products.jsonl`: products that training never names; a model can only guess, which keeps the figures honest.
            - `catalogue.json`, `policies.json`: the facts themselves; `dataset_info.json`: the dataset registry.
            Always answering the commonest value scores %s%% and %s%% on the two tests.
            """;
}
