package dev.lingyu.train;

import dev.lingyu.model.Adapter;
import dev.lingyu.model.Adapters;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.Parameter;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A model of which a [Tuning] says what is trained, and so what is saved: the model, or its adapter alone.
public final class TunedModel {
    private static final String TRAINED = "trained";
    private static final Pattern IN_BLOCK = Pattern.compile(".*?\\.(\\d+)\\.(.+)");

    private final LanguageModel model;
    private final Optional<Adapter> adapter;
    private final String base;

    private TunedModel(LanguageModel model, Optional<Adapter> adapter, String base) {
        this.model = model;
        this.adapter = adapter;
        this.base = base;
    }

    /// Makes trainable what is to be trained, and nothing else.
    ///
    /// @param path the directory that the model was opened from, where there is one
    /// @param seed of a fresh adapter and of dropout
    /// @throws TrainException when the settings fit nothing in this model
    public static TunedModel of(LanguageModel model, Tuning tuning, Optional<Path> path, long seed) {
        Decoder decoder = model.decoder();
        decoder.dropout().seed(seed);
        return switch (tuning) {
            case Tuning.Full full -> {
                merge(decoder, full.adapters());
                decoder.parameters().forEach(parameter -> parameter.trainable(true));
                yield new TunedModel(model, Optional.empty(), "");
            }
            case Tuning.Freeze freeze -> {
                merge(decoder, freeze.adapters());
                unfreeze(decoder, freeze);
                yield new TunedModel(model, Optional.empty(), "");
            }
            case Tuning.Lora lora -> {
                Path base = path.filter(p -> !AdapterConfig.isPresent(p))
                        .orElseThrow(() -> TrainException.input("finetuning_type: lora needs a base model on disk as "
                                + "model_name_or_path, to which the adapter belongs; to train an adapter further, give "
                                + "its base there and the adapter as adapter_name_or_path."));
                yield new TunedModel(
                        model,
                        Optional.of(adapt(decoder, lora, seed)),
                        base.toAbsolutePath().normalize().toString());
            }
        };
    }

    private static List<String> load(Adapters adapters, List<Path> directories) {
        List<String> names = new ArrayList<>();
        for (Path directory : directories) {
            names.add(directory.toString());
            adapters.load(directory.toString(), directory);
        }
        return names;
    }

    private static void merge(Decoder decoder, List<Path> directories) {
        if (!directories.isEmpty()) {
            decoder.adapters().use(load(decoder.adapters(), directories).toArray(String[]::new));
            decoder.adapters().merge();
        }
    }

    /// Earlier adapters go on computing, frozen; the last of them, or a new one, is trained.
    private static Adapter adapt(Decoder decoder, Tuning.Lora lora, long seed) {
        Adapters adapters = decoder.adapters();
        List<String> names = load(adapters, lora.adapters());
        boolean fresh = lora.createNew() || names.isEmpty();
        if (fresh) {
            adapters.create(TRAINED, lora.config(), seed);
            names.add(TRAINED);
        }
        adapters.use(names.toArray(String[]::new));
        Adapter trained = adapters.get(names.getLast());
        trained.trainable(true);
        return trained;
    }

    // ---- freeze

    private static void unfreeze(Decoder decoder, Tuning.Freeze freeze) {
        int all = decoder.config().layers();
        int first = freeze.layers() > 0 ? Math.max(0, all - freeze.layers()) : 0;
        int end = freeze.layers() > 0 ? all : Math.min(all, -freeze.layers());
        checkModules("freeze_trainable_modules", freeze.modules(), modules(decoder, true));
        checkModules("freeze_extra_modules", freeze.extraModules(), modules(decoder, false));
        for (Map.Entry<String, Parameter> weight : decoder.weights().entrySet()) {
            Matcher inBlock = IN_BLOCK.matcher(weight.getKey());
            boolean chosen;
            if (inBlock.matches()) {
                int layer = Integer.parseInt(inBlock.group(1));
                String module = firstPart(inBlock.group(2));
                chosen = layer >= first
                        && layer < end
                        && (freeze.modules().contains("all") || freeze.modules().contains(module));
            } else {
                chosen = freeze.extraModules().contains(moduleOf(weight.getKey()));
            }
            weight.getValue().trainable(chosen);
        }
    }

    private static Set<String> modules(Decoder decoder, boolean inBlocks) {
        Set<String> modules = new LinkedHashSet<>();
        for (String name : decoder.weights().keySet()) {
            Matcher inBlock = IN_BLOCK.matcher(name);
            if (inBlock.matches() == inBlocks) {
                modules.add(inBlocks ? firstPart(inBlock.group(2)) : moduleOf(name));
            }
        }
        return modules;
    }

    private static String firstPart(String name) {
        return name.substring(0, name.indexOf('.'));
    }

    private static String moduleOf(String weight) {
        String module = weight.substring(0, weight.lastIndexOf('.'));
        return module.substring(module.lastIndexOf('.') + 1);
    }

    private static void checkModules(String field, List<String> asked, Set<String> there) {
        for (String module : asked) {
            if (!there.contains(module) && !module.equals("all")) {
                throw TrainException.input("Field \"" + field + "\": this model has no module \"" + module
                        + "\"; it has " + String.join(", ", there) + ".");
            }
        }
    }

    // ---- what a run needs

    /// The model.
    public LanguageModel model() {
        return model;
    }

    /// The trained adapter, where one is trained instead of the model.
    public Optional<Adapter> adapter() {
        return adapter;
    }

    /// What the user should know of adapters that go on computing beside the trained one.
    public Optional<String> notice() {
        List<String> others = model.decoder().adapters().inUse().stream()
                .filter(other -> adapter.isPresent() && other != adapter.get())
                .map(Adapter::name)
                .toList();
        return others.isEmpty() || adapter.isEmpty()
                ? Optional.empty()
                : Optional.of("The new adapter learns beside " + String.join(", ", others)
                        + ", and is right only together with it: give both, --adapter "
                        + String.join(" --adapter ", others) + " --adapter OUTPUT.");
    }

    /// The weights that training may change; those of them that are trainable are.
    public Collection<Parameter> parameters() {
        return adapter.isPresent()
                ? adapter.get().parameters()
                : model.decoder().parameters();
    }

    /// How many weights change.
    public long trainableCount() {
        return parameters().stream()
                .filter(Parameter::trainable)
                .mapToLong(p -> p.count())
                .sum();
    }

    /// Bytes on disk of what [#save] writes.
    public long savedBytes(DType dtype) {
        return adapter.isPresent()
                ? 4 * adapter.get().parameterCount()
                : dtype.byteSize() * model.decoder().parameterCount();
    }

    /// Writes what was trained: a model directory, or a PEFT directory with tokenizer and chat template.
    ///
    /// @param optimizer whose masters are written where the type asked for holds more than the model computes in
    public void save(Path directory, DType dtype, Optimizer optimizer) throws IOException {
        if (adapter.isPresent()) {
            model.saveAdapter(adapter.get(), directory, base);
            return;
        }
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Map<Parameter, Tensor> masters = dtype == DType.F32 ? optimizer.masters() : Map.of();
            model.save(directory, dtype, parameter -> masters.getOrDefault(parameter, parameter.value()));
        }
    }
}
