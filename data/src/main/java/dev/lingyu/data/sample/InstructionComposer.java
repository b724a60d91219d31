package dev.lingyu.data.sample;

import dev.lingyu.data.sample.SftRow.Task;
import dev.lingyu.data.sample.SftRow.Turn;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Writes the instruction rows: questions about facts, comparisons, classification, extraction, recommendation,
/// follow-ups.
final class InstructionComposer {
    private final Knowledge knowledge;
    private final Phrases phrases;
    private final CorpusComposer corpus;

    InstructionComposer(Knowledge knowledge, Phrases phrases, CorpusComposer corpus) {
        this.knowledge = knowledge;
        this.phrases = phrases;
        this.corpus = corpus;
    }

    List<SftRow> rows() {
        List<SftRow> rows = new ArrayList<>();
        questions(rows);
        comparisons(rows);
        classifications(rows);
        extractions(rows);
        recommendations(rows);
        conversations(rows);
        return List.copyOf(knowledge.draw("sft order").shuffled(rows));
    }

    private void questions(List<SftRow> rows) {
        Draw draw = knowledge.draw("questions");
        for (Product product : knowledge.known()) {
            knowledge.facts(product).forEach(fact -> ask(rows, Task.ATTRIBUTE, fact, draw));
        }
        knowledge.policyFacts().forEach(fact -> ask(rows, Task.POLICY, fact, draw));
    }

    /// Every training phrasing once; half of those that can take it open with a courtesy.
    private void ask(List<SftRow> rows, Task task, Fact fact, Draw draw) {
        for (String question : fact.questions()) {
            boolean opens =
                    question.endsWith("？") && "我你您请想".indexOf(question.charAt(0)) < 0 && draw.one(List.of(true, false));
            String asked = opens ? draw.one(phrases.openers()) + question : question;
            rows.add(SftRow.of(task, asked, "", fact.answer()));
        }
    }

    private void comparisons(List<SftRow> rows) {
        Draw draw = knowledge.draw("comparisons");
        for (Category category : knowledge.categories()) {
            List<Product> products = known(category);
            for (int step = 1; step <= knowledge.size().dialogues(); step++) {
                List<Product> order = draw.shuffled(products);
                for (int i = 0; i < order.size(); i++) {
                    Product left = order.get(i);
                    Product right = order.get((i + 1) % order.size());
                    Attribute attribute = draw.one(knowledge.asked(left).stream()
                            .filter(candidate -> candidate.comparison().isPresent())
                            .toList());
                    attribute
                            .comparison()
                            .flatMap(comparison -> compare(left, right, attribute, comparison, draw))
                            .ifPresent(rows::add);
                }
            }
        }
    }

    /// A row, unless the two are equal.
    private static Optional<SftRow> compare(
            Product left, Product right, Attribute attribute, Attribute.Comparison comparison, Draw draw) {
        int order = number(left, attribute).compareTo(number(right, attribute));
        if (order == 0) {
            return Optional.empty();
        }
        boolean leftWins = order < 0 == comparison.smallerWins();
        Product winner = leftWins ? left : right;
        Product other = leftWins ? right : left;
        String question =
                draw.one(comparison.questions()).replace("{a}", left.name()).replace("{b}", right.name());
        String answer = comparison
                .answer()
                .replace("{a}", winner.name())
                .replace("{b}", other.name())
                .replace("{va}", winner.value(attribute))
                .replace("{vb}", other.value(attribute));
        return Optional.of(SftRow.of(Task.COMPARISON, question, "", answer));
    }

    private void classifications(List<SftRow> rows) {
        for (Category category : knowledge.categories()) {
            for (String need : category.needs()) {
                rows.add(SftRow.of(Task.CLASSIFICATION, phrases.classifyNeed(), need, category.name()));
            }
        }
        for (Policy policy : knowledge.policies()) {
            for (String question : policy.questions().subList(0, 3)) {
                rows.add(SftRow.of(Task.CLASSIFICATION, phrases.classifyTopic(), question, policy.topic()));
            }
        }
    }

    private void extractions(List<SftRow> rows) {
        Draw draw = knowledge.draw("extractions");
        for (Product product : knowledge.known()) {
            String text = corpus.introduction(product, draw.one(phrases.introductions()), draw);
            List<String> pairs = knowledge.asked(product).stream()
                    .map(attribute -> attribute.name() + "：" + product.value(attribute))
                    .toList();
            rows.add(SftRow.of(Task.EXTRACTION, phrases.extract(), text, String.join("；", pairs)));
        }
    }

    private void recommendations(List<SftRow> rows) {
        Draw draw = knowledge.draw("recommendations");
        for (Category category : knowledge.categories()) {
            List<Product> products = known(category);
            for (String need : category.needs()) {
                Product product = draw.one(products);
                String reply = draw.one(phrases.needReplies()).replace("{cat}", category.name());
                rows.add(SftRow.of(Task.RECOMMENDATION, need, "", priced(reply, product)));
            }
            Set<Long> budgets = new HashSet<>();
            for (Product product : products) {
                long budget = Math.ceilDiv(price(product).longValueExact(), 100L) * 100L;
                if (!budgets.add(budget)) {
                    continue;
                }
                Product best = products.stream()
                        .filter(candidate -> price(candidate).longValueExact() <= budget)
                        .max(Comparator.comparing(InstructionComposer::price).thenComparing(Product::model))
                        .orElseThrow();
                String question = draw.one(phrases.budgetQuestions())
                        .replace("{b}", budget + "元")
                        .replace("{cat}", category.name());
                rows.add(SftRow.of(Task.RECOMMENDATION, question, "", priced(phrases.budgetAnswer(), best)));
            }
        }
    }

    private void conversations(List<SftRow> rows) {
        Draw draw = knowledge.draw("conversations");
        List<Fact> policies = knowledge.policyFacts();
        for (Product product : knowledge.known()) {
            List<Fact> facts = draw.shuffled(knowledge.facts(product));
            List<Turn> history = new ArrayList<>();
            history.add(
                    new Turn(draw.one(facts.get(0).questions()), facts.get(0).answer()));
            if (draw.one(List.of(true, false))) {
                Fact policy = draw.one(policies);
                history.add(new Turn(draw.one(policy.questions()), policy.answer()));
            }
            rows.add(new SftRow(
                    Task.CONVERSATION,
                    draw.one(phrases.followUps()).replace("{n}", facts.get(1).name()),
                    "",
                    facts.get(1).answer(),
                    List.copyOf(history),
                    draw.one(List.of(phrases.system(), ""))));
        }
    }

    private List<Product> known(Category category) {
        return knowledge.known().stream()
                .filter(product -> product.category().equals(category))
                .toList();
    }

    private static String priced(String template, Product product) {
        return template.replace("{p}", product.name())
                .replace("{v}", product.values().getOrDefault("price", ""));
    }

    private static BigDecimal price(Product product) {
        return quantity(product.values().getOrDefault("price", ""));
    }

    private static BigDecimal number(Product product, Attribute attribute) {
        return quantity(product.value(attribute));
    }

    private static BigDecimal quantity(String value) {
        return Quantity.parse(value)
                .orElseThrow(() -> new SampleDomainException("The value '" + value
                        + "' has no known unit, so it can't be compared; write a number and a unit."))
                .high();
    }
}
