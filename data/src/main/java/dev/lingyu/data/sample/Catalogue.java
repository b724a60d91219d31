package dev.lingyu.data.sample;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The store's source of truth: categories, products and policies as they stand in the resource files.
///
/// @param categories in shop order
/// @param products   by category, in file order
/// @param policies   in file order
public record Catalogue(List<Category> categories, List<Product> products, List<Policy> policies) {

    /// Reads the bundled files.
    ///
    /// @throws SampleDomainException if a bundled file is missing or malformed: a broken build
    public static Catalogue bundled() {
        Map<String, Attribute> attributes = attributes(json("attributes.json"));
        List<Category> categories = new ArrayList<>();
        List<Product> products = new ArrayList<>();
        Attribute price = named(attributes, "price");
        for (JsonNode node : json("categories.json")) {
            Category category = category(node, attributes);
            categories.add(category);
            products.addAll(products(category, price));
        }
        List<Policy> policies = new ArrayList<>();
        for (JsonNode node : json("policies.json")) {
            policies.add(policy(node));
        }
        return new Catalogue(List.copyOf(categories), List.copyOf(products), List.copyOf(policies));
    }

    static Phrases phrases() {
        JsonNode node = json("phrases.json");
        Map<String, String> groups = new LinkedHashMap<>();
        required(node, "groups")
                .properties()
                .forEach(entry -> groups.put(entry.getKey(), entry.getValue().asText()));
        return new Phrases(
                groups,
                texts(node, "introductions"),
                texts(node, "heldOutIntroductions"),
                texts(node, "openers"),
                texts(node, "followUps"),
                texts(node, "greetings"),
                texts(node, "welcomes"),
                texts(node, "thanks"),
                texts(node, "farewells"),
                texts(node, "needReplies"),
                texts(node, "budgetQuestions"),
                text(node, "budgetAnswer"),
                text(node, "system"),
                text(node, "classifyNeed"),
                text(node, "classifyTopic"),
                text(node, "extract"));
    }

    static GeneralChinese general() {
        JsonNode node = json("general.json");
        List<TestRow> questions = new ArrayList<>();
        for (JsonNode row : required(node, "questions")) {
            questions.add(new TestRow(
                    text(row, "question"),
                    text(row, "answer"),
                    text(row, "key"),
                    "general",
                    "general/" + (questions.size() + 1),
                    texts(row, "rivals")));
        }
        return new GeneralChinese(texts(node, "texts"), List.copyOf(questions));
    }

    private static Map<String, Attribute> attributes(JsonNode file) {
        Map<String, Attribute> attributes = new LinkedHashMap<>();
        file.properties().forEach(entry -> {
            JsonNode node = entry.getValue();
            Optional<Attribute.Comparison> comparison =
                    node.has("compare") ? Optional.of(comparison(node.path("compare"))) : Optional.empty();
            attributes.put(
                    entry.getKey(),
                    new Attribute(
                            entry.getKey(),
                            text(node, "name"),
                            text(node, "statement"),
                            texts(node, "clauses"),
                            text(node, "heldOutClause"),
                            texts(node, "questions"),
                            texts(node, "heldOut"),
                            comparison));
        });
        return attributes;
    }

    private static Attribute.Comparison comparison(JsonNode node) {
        return new Attribute.Comparison(
                text(node, "prefer").equals("min"), texts(node, "questions"), text(node, "answer"));
    }

    private static Category category(JsonNode node, Map<String, Attribute> attributes) {
        return new Category(
                text(node, "id"),
                text(node, "name"),
                texts(node, "path"),
                text(node, "description"),
                texts(node, "contains"),
                texts(node, "attributes").stream()
                        .map(id -> named(attributes, id))
                        .toList(),
                texts(node, "asked").stream().map(id -> named(attributes, id)).toList(),
                texts(node, "needs"));
    }

    private static Policy policy(JsonNode node) {
        return new Policy(
                text(node, "id"),
                text(node, "topic"),
                text(node, "key"),
                texts(node, "rivals"),
                text(node, "answer"),
                texts(node, "texts"),
                text(node, "heldOutText"),
                texts(node, "questions"),
                texts(node, "heldOut"));
    }

    private static List<Product> products(Category category, Attribute price) {
        String file = "products/" + category.id() + ".csv";
        List<Attribute> columns = new ArrayList<>(List.of(price));
        columns.addAll(category.attributes());
        List<String> lines =
                resource(file).lines().filter(line -> !line.isBlank()).toList();
        String header = "品牌,型号,"
                + String.join(",", columns.stream().map(Attribute::name).toList());
        if (!lines.getFirst().equals(header)) {
            throw new SampleDomainException("Resource " + file + " row 1: expected the columns " + header + ", found "
                    + lines.getFirst() + "; make categories.json and the file agree.");
        }
        List<Product> products = new ArrayList<>();
        for (int row = 1; row < lines.size(); row++) {
            String[] cells = lines.get(row).split(",", -1);
            if (cells.length != columns.size() + 2) {
                throw new SampleDomainException("Resource " + file + " row " + (row + 1) + ": expected "
                        + (columns.size() + 2) + " cells, found " + cells.length + "; add or remove cells.");
            }
            Map<String, String> values = new LinkedHashMap<>();
            for (int i = 0; i < columns.size(); i++) {
                values.put(columns.get(i).id(), cells[i + 2]);
            }
            products.add(new Product(category, cells[0], cells[1], values));
        }
        return products;
    }

    private static Attribute named(Map<String, Attribute> attributes, String id) {
        Attribute attribute = attributes.get(id);
        if (attribute == null) {
            throw new SampleDomainException("Resource categories.json names the attribute '" + id
                    + "', which attributes.json does not define; add it there.");
        }
        return attribute;
    }

    private static JsonNode json(String file) {
        try {
            return new ObjectMapper().readTree(resource(file));
        } catch (IOException e) {
            throw new SampleDomainException("Resource " + file + " is not JSON: " + e.getMessage(), e);
        }
    }

    private static String resource(String file) {
        try (InputStream in = Catalogue.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new SampleDomainException(
                        "Resource " + file + " is missing from the lingyu-data jar; build it again.");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new SampleDomainException("Resource " + file + " can't be read: " + e.getMessage(), e);
        }
    }

    private static JsonNode required(JsonNode node, String field) {
        JsonNode value = node.get(field);
        if (value == null) {
            throw new SampleDomainException("A sample resource lacks the field '" + field + "' in " + node + ".");
        }
        return value;
    }

    private static String text(JsonNode node, String field) {
        return required(node, field).asText();
    }

    /// A list of texts; a list that a record doesn't need may be left out of the file.
    private static List<String> texts(JsonNode node, String field) {
        List<String> texts = new ArrayList<>();
        node.path(field).forEach(item -> texts.add(item.asText()));
        return List.copyOf(texts);
    }
}
