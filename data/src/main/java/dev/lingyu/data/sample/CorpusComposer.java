package dev.lingyu.data.sample;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Writes the post-training corpus and its held-out counterpart: introductions, category texts, dialogue logs,
/// policies.
final class CorpusComposer {
    private final Knowledge knowledge;
    private final Phrases phrases;

    CorpusComposer(Knowledge knowledge, Phrases phrases) {
        this.knowledge = knowledge;
        this.phrases = phrases;
    }

    List<String> corpus() {
        List<String> texts = new ArrayList<>();
        introductions(texts);
        categories(texts);
        dialogues(texts);
        policies(texts);
        return List.copyOf(knowledge.draw("corpus order").shuffled(texts));
    }

    /// Known products and policies in wordings that training never uses.
    List<String> heldOut() {
        Draw draw = knowledge.draw("held-out corpus");
        List<String> texts = new ArrayList<>();
        for (Product product : knowledge.known()) {
            List<String> clauses = draw.shuffled(mentioned(product, draw)).stream()
                    .map(attribute -> product.fill(attribute.heldOutClause(), attribute))
                    .toList();
            texts.add(frame(draw.one(phrases.heldOutIntroductions()), product, clauses));
        }
        knowledge.policies().forEach(policy -> texts.add(policy.heldOutText()));
        return List.copyOf(draw.shuffled(texts));
    }

    /// One prose introduction that states every asked attribute and two more.
    String introduction(Product product, String frame, Draw draw) {
        List<String> clauses = draw.shuffled(mentioned(product, draw)).stream()
                .map(attribute -> product.fill(draw.one(attribute.clauses()), attribute))
                .toList();
        return frame(frame, product, clauses);
    }

    private void introductions(List<String> texts) {
        Draw draw = knowledge.draw("introductions");
        for (Product product : knowledge.known()) {
            texts.add(parameters(product));
            texts.add(String.join(
                    "",
                    knowledge.asked(product).stream()
                            .map(attribute -> product.fill(attribute.statement(), attribute))
                            .toList()));
            draw.shuffled(phrases.introductions()).stream()
                    .limit(knowledge.size().introductions())
                    .forEach(frame -> texts.add(introduction(product, frame, draw)));
        }
    }

    private static String parameters(Product product) {
        List<String> pairs = new ArrayList<>();
        pairs.add("价格：" + product.values().get("price"));
        product.category()
                .attributes()
                .forEach(attribute -> pairs.add(attribute.name() + "：" + product.value(attribute)));
        return "商品名称：" + product.name() + "。商品参数：" + String.join("；", pairs) + "。";
    }

    private List<Attribute> mentioned(Product product, Draw draw) {
        Set<Attribute> mentioned = new LinkedHashSet<>(knowledge.asked(product));
        draw.shuffled(product.category().attributes()).stream()
                .filter(attribute -> !mentioned.contains(attribute))
                .limit(2)
                .toList()
                .forEach(mentioned::add);
        return List.copyOf(mentioned);
    }

    private static String frame(String frame, Product product, List<String> clauses) {
        return frame.replace("{p}", product.name())
                .replace("{brand}", product.brand())
                .replace("{cat}", product.category().name())
                .replace("{c}", String.join("，", clauses));
    }

    private void categories(List<String> texts) {
        Map<String, Set<String>> children = new LinkedHashMap<>();
        Map<String, List<String>> paths = new LinkedHashMap<>();
        for (Category category : knowledge.categories()) {
            texts.add(categoryText(category.path(), category.description(), category.contains()));
            for (int level = 0; level + 1 < category.path().size(); level++) {
                String name = category.path().get(level);
                paths.put(name, category.path().subList(0, level + 1));
                children.computeIfAbsent(name, key -> new LinkedHashSet<>())
                        .add(category.path().get(level + 1));
            }
        }
        paths.forEach((name, path) -> texts.add(categoryText(
                path,
                phrases.groups().getOrDefault(name, name),
                children.getOrDefault(name, Set.of()).stream().toList())));
    }

    private static String categoryText(List<String> path, String description, List<String> contains) {
        return "品类结构：" + String.join("，", path) + "。品类商品描述：" + description + "。品类包含：" + String.join("、", contains)
                + "。";
    }

    private void dialogues(List<String> texts) {
        Draw draw = knowledge.draw("dialogues");
        List<Fact> policies = knowledge.policyFacts();
        for (Product product : knowledge.known()) {
            for (int copy = 0; copy < knowledge.size().dialogues(); copy++) {
                String category = product.category().name();
                List<Fact> facts = draw.shuffled(knowledge.facts(product));
                Fact policy = draw.one(policies);
                texts.add(say("User", draw.one(phrases.greetings()).replace("{cat}", category))
                        + say("ChatBot", draw.one(phrases.welcomes()).replace("{cat}", category))
                        + say("User", draw.one(facts.get(0).questions()))
                        + say("ChatBot", facts.get(0).answer())
                        + say(
                                "User",
                                draw.one(phrases.followUps())
                                        .replace("{n}", facts.get(1).name()))
                        + say("ChatBot", facts.get(1).answer())
                        + say("User", draw.one(policy.questions()))
                        + say("ChatBot", policy.answer())
                        + say("User", draw.one(phrases.thanks()))
                        + "ChatBot: " + draw.one(phrases.farewells()));
            }
        }
    }

    private static String say(String role, String text) {
        return role + ": " + text + " ";
    }

    private void policies(List<String> texts) {
        Map<String, List<String>> byTopic = new LinkedHashMap<>();
        for (Policy policy : knowledge.policies()) {
            texts.addAll(policy.texts());
            byTopic.computeIfAbsent(policy.topic(), topic -> new ArrayList<>()).add(policy.answer());
        }
        byTopic.forEach((topic, answers) -> texts.add("家电商城" + topic + "说明：" + String.join("", answers)));
    }
}
