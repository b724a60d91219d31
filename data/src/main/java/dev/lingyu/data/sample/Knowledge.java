package dev.lingyu.data.sample;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// What one run of the generator may teach and what it must keep back: the catalogue, split by size and seed.
final class Knowledge {
    private final Catalogue catalogue;
    private final Size size;
    private final long seed;
    private final List<Product> known;
    private final List<Product> unseen;

    Knowledge(Catalogue catalogue, Size size, long seed) {
        this.catalogue = catalogue;
        this.size = size;
        this.seed = seed;
        List<Product> training = new ArrayList<>();
        List<Product> kept = new ArrayList<>();
        Draw draw = draw("split");
        for (Category category : catalogue.categories()) {
            List<Product> products = draw.shuffled(catalogue.products().stream()
                    .filter(product -> product.category().equals(category))
                    .limit(size.productsPerCategory())
                    .toList());
            kept.addAll(products.subList(0, size.newPerCategory()));
            training.addAll(products.subList(size.newPerCategory(), products.size()));
        }
        this.known = List.copyOf(training);
        this.unseen = List.copyOf(kept);
    }

    Size size() {
        return size;
    }

    long seed() {
        return seed;
    }

    Draw draw(String part) {
        return new Draw(seed, part);
    }

    List<Category> categories() {
        return catalogue.categories();
    }

    List<Policy> policies() {
        return catalogue.policies();
    }

    /// Products that training covers.
    List<Product> known() {
        return known;
    }

    /// Products that no training text names.
    List<Product> unseen() {
        return unseen;
    }

    List<Attribute> asked(Product product) {
        List<Attribute> asked = product.category().asked();
        return asked.subList(0, Math.min(size.askedAttributes(), asked.size()));
    }

    List<Fact> facts(Product product) {
        return asked(product).stream()
                .map(attribute -> Fact.of(product, attribute, values(product.category(), attribute)))
                .toList();
    }

    List<Fact> policyFacts() {
        return catalogue.policies().stream().map(Fact::of).toList();
    }

    private List<String> values(Category category, Attribute attribute) {
        Set<String> values = new LinkedHashSet<>();
        catalogue.products().stream()
                .filter(product -> product.category().equals(category))
                .forEach(product -> values.add(product.value(attribute)));
        return List.copyOf(values);
    }
}
