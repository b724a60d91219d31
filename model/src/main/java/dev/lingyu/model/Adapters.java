package dev.lingyu.model;

import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.adapter.AdapterFiles;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// The adapters of one decoder: any number by name, of which none, one, or several plain LoRAs together
/// compute.
///
/// ```java
/// decoder.adapters().load("insurance", directory);
/// decoder.adapters().use("insurance");     // from here the decoder computes with it
/// decoder.adapters().merge();              // the same, as plain weights
/// decoder.adapters().use();                // the base again, to the bit
/// ```
///
/// The base's weights are never written to, so they may stay memory-mapped. Switching makes KV caches of
/// running sequences stale; switch between sequences.
public final class Adapters {
    private final Decoder decoder;
    private final Layers layers;
    private final Linear head;
    private final DropoutMasks masks;
    private final Map<String, Adapter> byName = new LinkedHashMap<>();
    private List<Adapter> inUse = List.of();
    private final List<Parameter> merged = new ArrayList<>();

    Adapters(Decoder decoder, Layers layers, Linear head, DropoutMasks masks) {
        this.decoder = decoder;
        this.layers = layers;
        this.head = head;
        this.masks = masks;
    }

    /// Loads a PEFT directory; it computes nothing yet. Its LoRA matrices are held in f32, its copies of
    /// whole modules in the base's type, as PEFT does.
    ///
    /// @throws ModelException when it does not fit this decoder
    /// @throws dev.lingyu.model.adapter.AdapterException when it is no adapter, or of a kind that is not
    ///     built
    public Adapter load(String name, Path directory) {
        return load(name, directory, Set.of());
    }

    /// The same for an adapter to a model of which this decoder is a part.
    ///
    /// @param elsewhere tensors of the adapter that belong to the rest of it
    Adapter load(String name, Path directory, Set<String> elsewhere) {
        AdapterConfig config = AdapterConfig.read(directory);
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Map<String, Tensor> tensors = AdapterFiles.read(directory);
            tensors.keySet().removeAll(elsewhere);
            return add(builder(name, config).from(directory, tensors));
        }
    }

    /// Makes a fresh adapter, which changes nothing until it is trained: A uniform in ±1/√in, B zero, IA³'s
    /// factors 1, copies equal to the base.
    ///
    /// @param seed equal seeds give equal weights
    /// @throws ModelException when the settings choose nothing in this decoder
    public Adapter create(String name, AdapterConfig config, long seed) {
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            return add(builder(name, config).fresh(seed));
        }
    }

    private AdapterBuilder builder(String name, AdapterConfig config) {
        if (byName.containsKey(name)) {
            throw new ModelException("There is an adapter \"" + name + "\" already: choose another name.");
        }
        return new AdapterBuilder(name, config, layers, head, masks, decoder.device());
    }

    private Adapter add(Adapter adapter) {
        byName.put(adapter.name(), adapter);
        return adapter;
    }

    /// The names of all adapters.
    public List<String> names() {
        return List.copyOf(byName.keySet());
    }

    /// The adapters that compute now.
    public List<Adapter> inUse() {
        return inUse;
    }

    /// Whether those are merged into plain weights.
    public boolean isMerged() {
        return !merged.isEmpty();
    }

    /// One adapter.
    ///
    /// @throws ModelException listing the names there are
    public Adapter get(String name) {
        Adapter adapter = byName.get(name);
        if (adapter == null) {
            throw new ModelException("There is no adapter \"" + name + "\" here; there "
                    + (byName.isEmpty() ? "is none." : "are: " + String.join(", ", byName.keySet()) + "."));
        }
        return adapter;
    }

    /// Chooses what computes: no name for the base alone, one, or several plain LoRAs whose changes add up.
    ///
    /// @throws ModelException when a name is unknown, or several do not add up
    public void use(String... names) {
        List<Adapter> chosen = java.util.Arrays.stream(names).map(this::get).toList();
        if (chosen.size() > 1 && !chosen.stream().allMatch(Adapter::isPlainLora)) {
            throw new ModelException("Only plain LoRA adapters work together; of " + String.join(", ", names)
                    + " one is DoRA or IA³. Merge it into its base first.");
        }
        Map<Slot, Parameter> copies = new LinkedHashMap<>();
        for (Adapter adapter : chosen) {
            adapter.copies().forEach((slot, copy) -> {
                if (copies.put(slot, copy) != null) {
                    throw new ModelException(
                            "The adapters " + String.join(", ", names) + " can't work together: two have "
                                    + "a copy of " + slot.own().name() + " of their own.");
                }
            });
        }
        forgetMerged();
        inUse = chosen;
        layers.slots().values().forEach(Slot::restore);
        copies.forEach(Slot::put);
        everyLinear()
                .forEach(linear -> linear.adapt(chosen.stream()
                        .map(adapter -> adapter.layers().get(linear))
                        .filter(Objects::nonNull)
                        .toList()));
        layers.tables()
                .values()
                .forEach(table -> table.adapt(chosen.stream()
                        .map(adapter -> adapter.tables().get(table))
                        .filter(Objects::nonNull)
                        .toList()));
    }

    private List<Linear> everyLinear() {
        return List.copyOf(layers.linears().values());
    }

    /// Turns the adapters in use into plain weights beside the base's own: the same results without their
    /// cost, and what [LanguageModel#save] writes. Computed in f32, held in the base's type.
    public void merge() {
        if (isMerged()) {
            return;
        }
        try (Autograd.Mode off = Autograd.off()) {
            for (Linear linear : everyLinear()) {
                if (!linear.adapters().isEmpty()) {
                    Scope.run(() -> merge(linear));
                }
            }
            for (Table table : layers.tables().values()) {
                if (!table.adapters().isEmpty()) {
                    Scope.run(() -> merge(table));
                }
            }
        }
    }

    private void merge(Linear linear) {
        Tensor weight = linear.weight().value().to(DType.F32);
        for (LinearAdapter adapter : linear.adapters()) {
            weight = adapter.mergedWeight(weight);
        }
        put(linear.weightSlot(), weight);
        linear.biasSlot().ifPresent(slot -> {
            Tensor bias = slot.value().to(DType.F32);
            for (LinearAdapter adapter : linear.adapters()) {
                bias = adapter.mergedBias(bias);
            }
            put(slot, bias);
        });
        linear.adapt(List.of());
    }

    private void merge(Table table) {
        Tensor weight = table.weight().value().to(DType.F32);
        for (TableAdapter adapter : table.adapters()) {
            weight = adapter.mergedWeight(weight);
        }
        put(table.weightSlot(), weight);
        table.adapt(List.of());
    }

    private void put(Slot slot, Tensor value) {
        Tensor held = value.to(slot.value().dtype());
        Parameter parameter = new Parameter(slot.own().name(), held, slot.own().transposedInFiles());
        merged.add(parameter);
        slot.put(parameter);
    }

    /// Takes a merge back: the base and its adapters compute as before, to the bit.
    public void unmerge() {
        if (isMerged()) {
            use(inUse.stream().map(Adapter::name).toArray(String[]::new));
        }
    }

    private void forgetMerged() {
        merged.forEach(Parameter::close);
        merged.clear();
    }

    void close() {
        forgetMerged();
        byName.values().forEach(Adapter::close);
        byName.clear();
        inUse = List.of();
    }
}
