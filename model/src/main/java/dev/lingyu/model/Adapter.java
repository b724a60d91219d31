package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.adapter.AdapterFiles;
import dev.lingyu.model.adapter.Ia3Config;
import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// One adapter to a decoder: what it does to linear layers, and the weights of which it has copies of its
/// own.
///
/// It computes nothing until [Adapters#use] puts it in place.
public final class Adapter {
    private final String name;
    private final AdapterConfig config;
    private final Map<Linear, LinearAdapter> layers;
    private final Map<Table, TableAdapter> tables;
    private final Map<Slot, Parameter> copies;

    /// @param layers by the layer that is changed
    /// @param tables by the embedding that is changed
    /// @param copies by the place of the base's weight
    Adapter(
            String name,
            AdapterConfig config,
            Map<Linear, LinearAdapter> layers,
            Map<Table, TableAdapter> tables,
            Map<Slot, Parameter> copies) {
        this.name = name;
        this.config = config;
        this.layers = layers;
        this.tables = tables;
        this.copies = copies;
    }

    /// Its name among the adapters of its decoder.
    public String name() {
        return name;
    }

    /// Its settings.
    public AdapterConfig config() {
        return config;
    }

    /// All its weights, named as in PEFT's files.
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>();
        tables.values().forEach(table -> all.addAll(table.parameters()));
        layers.values().forEach(layer -> all.addAll(layer.parameters()));
        copies.values().stream().distinct().forEach(all::add);
        return all;
    }

    /// The number of its weights.
    public long parameterCount() {
        return parameters().stream().mapToLong(p -> p.count()).sum();
    }

    /// The modules that it changes, in the order of the model.
    public List<String> modules() {
        return Stream.concat(
                        tables.keySet().stream().map(Table::name),
                        layers.keySet().stream().map(Linear::name))
                .toList();
    }

    /// Says whether training changes it.
    public void trainable(boolean yes) {
        parameters().forEach(parameter -> parameter.trainable(yes));
    }

    Map<Linear, LinearAdapter> layers() {
        return layers;
    }

    Map<Table, TableAdapter> tables() {
        return tables;
    }

    Map<Slot, Parameter> copies() {
        return copies;
    }

    /// Whether several such adapters add up.
    boolean isPlainLora() {
        return config instanceof LoraConfig lora && !lora.dora();
    }

    /// The share of inputs that training drops.
    public double dropout() {
        return switch (config) {
            case LoraConfig lora -> lora.dropout();
            case Ia3Config ia3 -> 0;
        };
    }

    /// Writes a directory that PEFT loads: `adapter_config.json` and `adapter_model.safetensors`.
    ///
    /// @param base the base model's directory, as the file is to name it
    public void save(Path directory, String base) throws IOException {
        save(directory, base, AdapterConfig.Task.CAUSAL_LM, List.of());
    }

    /// The same for an adapter that is a part of what was trained.
    ///
    /// @param others what was trained beside it, saved as whole modules
    void save(Path directory, String base, AdapterConfig.Task task, List<Parameter> others) throws IOException {
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            parameters().forEach(p -> tensors.put(p.name(), p.asInFiles(p.value())));
            others.forEach(p -> tensors.put(AdapterFiles.PREFIX + p.name(), p.value()));
            List<String> whole =
                    others.stream().map(Linear::moduleOf).distinct().toList();
            boolean transposed =
                    layers.keySet().stream().anyMatch(l -> l.weight().transposedInFiles());
            ObjectNode json = config.withBase(base).toJson(modules(), transposed);
            AdapterFiles.write(directory, task.describe(json, whole), tensors);
        }
    }

    void close() {
        layers.values().forEach(LinearAdapter::weightsChanged);
        parameters().forEach(Parameter::close);
    }

    @Override
    public String toString() {
        return name + " (" + config.peftType() + ", " + parameterCount() + " weights)";
    }
}
