package dev.lingyu.model;

import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.adapter.AdapterFiles;
import dev.lingyu.model.adapter.Ia3Config;
import dev.lingyu.model.adapter.LoraConfig;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Fits an adapter to a decoder: finds the layers that its settings choose, and gives each its weights, from
/// files or fresh.
final class AdapterBuilder {
    private final String name;
    private final AdapterConfig config;
    private final Layers layers;
    private final Linear head;
    private final DropoutMasks masks;
    private final Device device;
    private final Map<Linear, LinearAdapter> adapted = new LinkedHashMap<>();
    private final Map<Table, TableAdapter> adaptedTables = new LinkedHashMap<>();
    private final Map<Slot, Parameter> copies = new LinkedHashMap<>();

    /// Where the weights of one layer's adapter come from.
    private interface Source {
        /// @param key   module and kind, such as `model.layers.0.self_attn.q_proj.lora_A.weight`
        /// @param shape what the layer and the settings ask for
        Tensor take(String key, long... shape);
    }

    AdapterBuilder(String name, AdapterConfig config, Layers layers, Linear head, DropoutMasks masks, Device device) {
        this.name = name;
        this.config = config;
        this.layers = layers;
        this.head = head;
        this.masks = masks;
        this.device = device;
    }

    // ---- from files

    /// @param tensors by module and kind
    Adapter from(Path directory, Map<String, Tensor> tensors) {
        Map<String, Tensor> left = new LinkedHashMap<>(tensors);
        adaptLayers(
                (key, shape) -> {
                    Tensor stored = left.remove(key);
                    if (stored == null) {
                        throw new ModelException(directory + " lacks the tensor \"" + AdapterFiles.PREFIX + key
                                + "\", which its adapter_config.json asks for in this base model; it is the adapter of another "
                                + "model, or was cut off.");
                    }
                    return stored;
                },
                directory);
        for (Map.Entry<String, Tensor> entry : left.entrySet()) {
            copyFrom(directory, entry.getKey(), entry.getValue());
        }
        return finish();
    }

    private void copyFrom(Path directory, String key, Tensor stored) {
        Slot slot = layers.slots().get(key.replace(".base_layer.", "."));
        if (slot == null && key.equals(ScoringModel.SCORE)) {
            throw new ModelException(directory + " is an adapter with a head that scores texts, of a reward model or "
                    + "a classifier: it can't be used on a language model.");
        }
        if (slot == null) {
            throw new ModelException(directory + " holds the tensor \"" + AdapterFiles.PREFIX + key
                    + "\", for which this base model has no place: it is the adapter of another model, or to a kind of "
                    + "layer that can't be adapted here.");
        }
        Tensor plain = slot.own().transposedInFiles() ? stored.transpose(0, 1).contiguous() : stored;
        check(directory, key, plain, slot.own().shape());
        if (!isTheBases(key, slot, plain)) {
            copy(key, slot, plain);
        }
    }

    /// PEFT saves the weight under an adapted embedding or head too, in case that it was enlarged.
    private static boolean isTheBases(String key, Slot slot, Tensor plain) {
        Tensor own = slot.own().value();
        return key.endsWith(".base_layer.weight")
                && own.equalTo(plain.to(own.dtype())).sumAsDouble() == own.count();
    }

    private static void check(Path directory, String key, Tensor tensor, long... shape) {
        if (!Arrays.equals(tensor.shape(), shape)) {
            throw new ModelException(
                    "%s: the tensor \"%s\" has the shape %s; this base model and the adapter's settings ask for %s."
                            .formatted(
                                    directory,
                                    AdapterFiles.PREFIX + key,
                                    Arrays.toString(tensor.shape()),
                                    Arrays.toString(shape)));
        }
    }

    // ---- fresh

    Adapter fresh(long seed) {
        try (Generator generator = Generator.seeded(seed)) {
            adaptLayers(
                    (key, shape) -> {
                        Tensor value = Tensor.zeros(DType.F32, shape);
                        if (key.endsWith(".ia3_l")) {
                            return value.fillInPlace(1);
                        }
                        if (key.endsWith(".lora_A.weight")) {
                            // Kaiming's bound for a = √5 (He et al. 2015), which PEFT and nn.Linear use.
                            double bound = 1 / Math.sqrt(shape[1]);
                            return value.uniformInPlace(-bound, bound, generator);
                        }
                        if (key.endsWith(".lora_embedding_B")) {
                            return value.normalInPlace(0, 1, generator);
                        }
                        if (key.endsWith(".lora_magnitude_vector")) {
                            return norms(key.substring(0, key.lastIndexOf('.')));
                        }
                        return value;
                    },
                    Path.of(name));
        }
        config.modulesToSave().forEach(this::copyModules);
        if (config instanceof LoraConfig lora && lora.bias() != LoraConfig.Bias.NONE) {
            copyBiases(lora.bias() == LoraConfig.Bias.ALL);
        }
        return finish();
    }

    /// What a magnitude begins as: the norms of the base's rows, of an embedding's columns.
    private Tensor norms(String module) {
        Table table = layers.tables().get(module);
        if (table != null) {
            return LoraTable.columnNorms(table.weight().value().to(DType.F32));
        }
        Linear linear = Optional.ofNullable(layers.linears().get(module)).orElseThrow();
        return LoraLinear.rowNorms(linear.weight().value().to(DType.F32));
    }

    /// Copies all weights of the modules whose name ends so, as PEFT chooses them.
    private void copyModules(String ending) {
        boolean found = false;
        for (Map.Entry<String, Slot> entry : layers.slots().entrySet()) {
            String module = entry.getKey().substring(0, entry.getKey().lastIndexOf('.'));
            for (String at = module; !at.isEmpty(); at = at.substring(0, Math.max(0, at.lastIndexOf('.')))) {
                if (at.endsWith(ending)) {
                    copy(
                            entry.getKey(),
                            entry.getValue(),
                            entry.getValue().own().value());
                    found = true;
                    break;
                }
            }
        }
        if (!found) {
            throw new ModelException("No module of this model is called \"" + ending
                    + "\", of which the adapter is to have a copy; there are, for instance, "
                    + String.join(
                            ", ", layers.slots().keySet().stream().limit(4).toList()) + ".");
        }
    }

    private void copyBiases(boolean all) {
        for (Linear linear : adapted.keySet()) {
            linear.biasSlot()
                    .ifPresent(slot -> copy(
                            linear.name() + ".base_layer.bias", slot, slot.own().value()));
        }
        if (all) {
            layers.slots().forEach((key, slot) -> {
                if (key.endsWith(".bias") && !copies.containsKey(slot)) {
                    copy(key, slot, slot.own().value());
                }
            });
        }
    }

    // ---- both

    private void adaptLayers(Source source, Path directory) {
        Source checked = (key, shape) -> {
            Tensor tensor = source.take(key, shape);
            check(directory, key, tensor, shape);
            return tensor;
        };
        for (Linear linear : layers.linears().values()) {
            if (config.targets().selects(linear.name(), linear == head, config.modulesToSave())) {
                adapted.put(linear, adapter(linear, checked));
            }
        }
        for (Table table : layers.tables().values()) {
            // `all-linear` means neither the head nor an embedding.
            if (config.targets().selects(table.name(), true, config.modulesToSave())) {
                adaptedTables.put(table, adapter(table, checked));
            }
        }
        if (adapted.isEmpty() && adaptedTables.isEmpty()) {
            throw new ModelException("The adapter's target_modules ("
                    + config.targets().selection() + ") choose no layer of this model; it has, for instance, "
                    + String.join(
                            ", ", layers.linears().keySet().stream().limit(7).toList()) + ".");
        }
    }

    private TableAdapter adapter(Table table, Source source) {
        String module = table.name();
        if (!(config instanceof LoraConfig lora)) {
            throw new ModelException("The adapter's target_modules choose the embedding " + module + ", to which "
                    + config.peftType() + " can't be applied: take it out, or use LoRA.");
        }
        if (lora.tieHead()) {
            throw new ModelException("The adapter \"" + name + "\" has LoRA on the embedding " + module
                    + " and ensure_weight_tying: true, by which the head is to share it. That is not built: merge it "
                    + "with PEFT, and use the merged model.");
        }
        long rows = table.weight().shape()[0];
        long hidden = table.weight().shape()[1];
        int rank = lora.rankOf(module);
        return new LoraTable(
                parameter(source, module + ".lora_embedding_A", rank, rows),
                parameter(source, module + ".lora_embedding_B", hidden, rank),
                magnitude(lora, source, module, hidden),
                lora.scaleOf(module));
    }

    private LinearAdapter adapter(Linear linear, Source source) {
        long out = linear.weight().shape()[0];
        long in = linear.weight().shape()[1];
        String module = linear.name();
        return switch (config) {
            case LoraConfig lora -> {
                int rank = lora.rankOf(module);
                yield new LoraLinear(
                        parameter(source, module + ".lora_A.weight", rank, in),
                        parameter(source, module + ".lora_B.weight", out, rank),
                        magnitude(lora, source, module, out),
                        lora.scaleOf(module),
                        lora.dropout(),
                        masks,
                        adapted.size());
            }
            case Ia3Config ia3 -> {
                boolean inputs = ia3.isFeedForward(module);
                yield new Ia3Linear(
                        inputs
                                ? parameter(source, module + ".ia3_l", 1, in)
                                : parameter(source, module + ".ia3_l", out, 1),
                        inputs);
            }
        };
    }

    private Optional<Parameter> magnitude(LoraConfig lora, Source source, String module, long features) {
        return lora.dora()
                ? Optional.of(parameter(source, module + ".lora_magnitude_vector", features))
                : Optional.empty();
    }

    private Parameter parameter(Source source, String key, long... shape) {
        return new Parameter(
                AdapterFiles.PREFIX + key, source.take(key, shape).to(DType.F32).to(device));
    }

    private void copy(String key, Slot slot, Tensor value) {
        Tensor own = slot.own().value();
        Tensor held = value.to(own.dtype()).to(device);
        copies.put(
                slot, new Parameter(AdapterFiles.PREFIX + key, held, slot.own().transposedInFiles()));
    }

    private Adapter finish() {
        if (config instanceof LoraConfig lora && lora.tieHead()) {
            Slot place = head.weightSlot();
            List<Slot> tied = new ArrayList<>(copies.keySet());
            tied.stream()
                    .filter(slot -> slot != place && slot.own() == place.own())
                    .forEach(slot -> copies.put(place, copies.getOrDefault(slot, slot.own())));
        }
        return new Adapter(name, config, adapted, adaptedTables, copies);
    }
}
