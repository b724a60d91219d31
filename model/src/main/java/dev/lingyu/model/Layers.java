package dev.lingyu.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Looks up the weights of a decoder's parts by the names that its family gives them.
final class Layers {
    private final Map<Part, String> names;
    private final Map<String, Parameter> parameters;
    private final double normEpsilon;

    Layers(Map<Part, String> names, Map<String, Parameter> parameters, double normEpsilon) {
        this.names = names;
        this.parameters = parameters;
        this.normEpsilon = normEpsilon;
    }

    Optional<Parameter> weight(Part part, int layer) {
        return find(part, layer, ".weight");
    }

    private Optional<Parameter> find(Part part, int layer, String kind) {
        String name = names.get(part);
        return name == null ? Optional.empty() : Optional.ofNullable(parameters.get(name.formatted(layer) + kind));
    }

    Optional<Linear> linear(Part part, int layer) {
        return weight(part, layer).map(weight -> new Linear(weight, find(part, layer, ".bias")));
    }

    Optional<Norm> norm(Part part, int layer) {
        return weight(part, layer).map(weight -> new Norm(weight, find(part, layer, ".bias"), normEpsilon));
    }

    /// The weights of all parts of one block, in the order in which they are used.
    List<Parameter> block(int layer) {
        Map<String, Parameter> found = new LinkedHashMap<>();
        for (Part part : Part.values()) {
            if (part.perLayer()) {
                weight(part, layer).ifPresent(p -> found.put(p.name(), p));
                find(part, layer, ".bias").ifPresent(p -> found.put(p.name(), p));
            }
        }
        return new ArrayList<>(found.values());
    }
}
