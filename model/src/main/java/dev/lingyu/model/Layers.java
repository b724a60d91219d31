package dev.lingyu.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Looks up the weights of a decoder's parts by the names that its family gives them, and remembers the
/// places that they got, for adapters to find.
final class Layers {
    private final Map<Part, String> names;
    private final Map<String, Parameter> parameters;
    private final double normEpsilon;
    private final Map<String, Slot> slots = new LinkedHashMap<>();
    private final Map<String, Linear> linears = new LinkedHashMap<>();
    private final Map<String, Table> tables = new LinkedHashMap<>();

    Layers(Map<Part, String> names, Map<String, Parameter> parameters, double normEpsilon) {
        this.names = names;
        this.parameters = parameters;
        this.normEpsilon = normEpsilon;
    }

    Optional<Slot> slot(Part part, int layer) {
        return find(part, layer, ".weight");
    }

    private Optional<Slot> find(Part part, int layer, String kind) {
        String name = names.get(part);
        return name == null
                ? Optional.empty()
                : Optional.ofNullable(parameters.get(name.formatted(layer) + kind))
                        .map(parameter -> slots.computeIfAbsent(parameter.name(), n -> new Slot(parameter)));
    }

    Optional<Linear> linear(Part part, int layer) {
        Optional<Linear> linear = slot(part, layer)
                .map(weight -> new Linear(Linear.moduleOf(weight.own()), weight, find(part, layer, ".bias")));
        linear.ifPresent(l -> linears.put(l.name(), l));
        return linear;
    }

    Optional<Table> table(Part part) {
        Optional<Table> table = slot(part, 0).map(Table::new);
        table.ifPresent(t -> tables.put(t.name(), t));
        return table;
    }

    /// The output head: its own matrix, or the embedding's at a place of its own.
    ///
    /// @param tied whether it is the embedding's
    Linear head(boolean tied) {
        if (!tied) {
            return linear(Part.HEAD, 0).orElseThrow();
        }
        Slot place = new Slot(slot(Part.TOKEN_EMBEDDING, 0).orElseThrow().own());
        slots.put(headWeight(), place);
        Linear head = new Linear(headName(), place, Optional.empty());
        linears.put(head.name(), head);
        return head;
    }

    /// What files call the head's matrix where it is not the embedding.
    String headWeight() {
        return headName() + ".weight";
    }

    private String headName() {
        return names.getOrDefault(Part.HEAD, "lm_head");
    }

    Optional<Norm> norm(Part part, int layer) {
        return slot(part, layer).map(weight -> new Norm(weight, find(part, layer, ".bias"), normEpsilon));
    }

    /// The places of all weights of one block, in the order in which they are used.
    List<Slot> block(int layer) {
        Map<String, Slot> found = new LinkedHashMap<>();
        for (Part part : Part.values()) {
            if (part.perLayer()) {
                slot(part, layer).ifPresent(s -> found.put(s.own().name(), s));
                find(part, layer, ".bias").ifPresent(s -> found.put(s.own().name(), s));
            }
        }
        return new ArrayList<>(found.values());
    }

    /// The linear layers of one block.
    List<Linear> linears(int layer) {
        List<Linear> found = new ArrayList<>();
        for (Part part : Part.values()) {
            if (part.perLayer() && names.containsKey(part)) {
                Optional.ofNullable(linears.get(names.get(part).formatted(layer)))
                        .ifPresent(found::add);
            }
        }
        return found;
    }

    /// All places by the name of their weight, the head's included where it is tied.
    Map<String, Slot> slots() {
        return slots;
    }

    /// All linear layers by module name, the head's included, tied or not.
    Map<String, Linear> linears() {
        return linears;
    }

    /// The embeddings by module name.
    Map<String, Table> tables() {
        return tables;
    }
}
