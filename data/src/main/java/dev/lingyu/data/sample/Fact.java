package dev.lingyu.data.sample;

import java.util.List;

/// Something the store knows and can be asked: an attribute of a product, or a policy.
///
/// @param id        `fridge/B48/price` or `policy/return-days`
/// @param category  category or policy topic, in Chinese
/// @param name      what is asked: the attribute's name or the topic
/// @param key       what a right answer must contain
/// @param rivals    contradicting values, for keys without a unit
/// @param answer    the reference answer, which is also what training teaches
/// @param questions training questions
/// @param heldOut   test questions
record Fact(
        String id,
        String category,
        String name,
        String key,
        List<String> rivals,
        String answer,
        List<String> questions,
        List<String> heldOut) {

    static Fact of(Product product, Attribute attribute, List<String> allValues) {
        String key = product.value(attribute);
        List<String> rivals = Quantity.parse(key).isPresent()
                ? List.of()
                : allValues.stream().filter(value -> !value.equals(key)).toList();
        return new Fact(
                product.category().id() + "/" + product.model() + "/" + attribute.id(),
                product.category().name(),
                attribute.name(),
                key,
                rivals,
                product.fill(attribute.statement(), attribute),
                attribute.questions().stream()
                        .map(q -> product.fill(q, attribute))
                        .toList(),
                attribute.heldOut().stream()
                        .map(q -> product.fill(q, attribute))
                        .toList());
    }

    static Fact of(Policy policy) {
        return new Fact(
                "policy/" + policy.id(),
                policy.topic(),
                policy.topic(),
                policy.key(),
                policy.rivals(),
                policy.answer(),
                policy.questions(),
                policy.heldOut());
    }

    TestRow ask(String question) {
        return new TestRow(question, answer, key, category, id, rivals);
    }
}
