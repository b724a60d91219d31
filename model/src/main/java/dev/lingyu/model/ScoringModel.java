package dev.lingyu.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.adapter.AdapterFiles;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

/// A decoder whose head scores texts: a reward model, a critic, a classifier.
///
/// It reads `…ForSequenceClassification` directories (`score.weight`), which is what it writes, and
/// DeepSpeed-Chat's reward models: the decoder's weights, under `rwtransformer.` or without, and
/// `v_head.weight` beside them or in `v_head.safetensors`; trl's and LLaMA-Factory's `v_head.summary` in
/// `value_head.safetensors`, too.
///
/// ```java
/// try (ScoringModel reward = ScoringModel.open(directory, LanguageModel.Options.inference())) {
///     float[][] scores = reward.scores(List.of(ids));
/// }
/// ```
public final class ScoringModel implements AutoCloseable {
    static final String SCORE = "score.weight";

    private static final String ADAPTER = "default";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long SHARD_BYTES = 5_000_000_000L;
    private static final List<String> HEAD_NAMES = List.of(SCORE, "v_head.weight", "v_head.summary.weight");
    private static final List<String> HEAD_FILES = List.of("v_head.safetensors", "value_head.safetensors");
    // DeepSpeed-Chat spelt it wrongly, and then stayed with it.
    private static final List<String> TRUNK_PREFIXES = List.of("rwtransformer.", "rwtranrsformer.");

    private final ModelConfig config;
    private final Decoder trunk;
    private final ScoreHead head;
    private final Optional<Tokenizer> tokenizer;
    private final Optional<ChatTemplate> chatTemplate;

    private ScoringModel(
            ModelConfig config,
            Decoder trunk,
            ScoreHead head,
            Optional<Tokenizer> tokenizer,
            Optional<ChatTemplate> chatTemplate) {
        this.config = config;
        this.trunk = trunk;
        this.head = head;
        this.tokenizer = tokenizer;
        this.chatTemplate = chatTemplate;
    }

    /// Whether a directory holds a model for this class and not for [LanguageModel].
    ///
    /// @throws ModelException when it holds no model at all
    public static boolean isPresent(Path directory) {
        if (HEAD_FILES.stream().anyMatch(name -> Files.isRegularFile(directory.resolve(name)))) {
            return true;
        }
        if (AdapterConfig.isPresent(directory)) {
            return adapterHead(directory).isPresent() || isPresent(AdapterConfig.baseOf(directory));
        }
        return ModelConfig.read(directory).isClassifier()
                || headName(WeightFiles.open(directory).names()).isPresent();
    }

    /// Opens a directory: a model, or an adapter that names its base.
    ///
    /// @throws ModelException when config, weights or tokenizer are missing, unsound or do not fit each other
    public static ScoringModel open(Path directory, LanguageModel.Options options) {
        return AdapterConfig.isPresent(directory)
                ? adapted(AdapterConfig.baseOf(directory), directory, options)
                : open(directory, directory, options);
    }

    /// Opens a model as an adapter changes it, and uses the adapter.
    ///
    /// The head is the adapter's own (`score.weight` among its tensors, as PEFT saves it for `SEQ_CLS`, or a file
    /// beside them, as LLaMA-Factory does), else the base's.
    ///
    /// @param base a language model or a model that scores
    /// @throws ModelException as [#open(Path, LanguageModel.Options)]
    public static ScoringModel adapted(Path base, Path adapter, LanguageModel.Options options) {
        ModelConfig config = ModelConfig.read(base);
        DType dtype = options.dtype().orElse(config.dtype());
        Optional<String> inside = adapterHead(adapter);
        boolean beside = HEAD_FILES.stream().anyMatch(name -> Files.isRegularFile(adapter.resolve(name)));
        WeightFiles files = WeightFiles.open(base).without(TRUNK_PREFIXES);
        ScoreHead head = inside.isPresent()
                ? adapterHead(adapter, inside.get(), config, dtype, options.device())
                : readHead(base, beside ? adapter : base, files, config, dtype, options.device());
        ScoringModel model = assemble(base, files, head, config, dtype, options);
        try {
            Set<String> elsewhere = inside.isPresent() ? Set.of(inside.get(), biasOf(inside.get())) : Set.of();
            model.trunk.adapters().load(ADAPTER, adapter, elsewhere);
            model.trunk.adapters().use(ADAPTER);
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static Optional<String> adapterHead(Path adapter) {
        try (Scope scope = Scope.open()) {
            return headName(AdapterFiles.read(adapter).keySet());
        }
    }

    private static ScoreHead adapterHead(Path adapter, String name, ModelConfig config, DType dtype, Device device) {
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = AdapterFiles.read(adapter);
            return head(tensors.keySet(), tensors::get, name, config, adapter, dtype, device);
        }
    }

    /// Opens a model whose head lies in another directory than the rest.
    ///
    /// @param headDirectory where `v_head.safetensors` or `value_head.safetensors` lies
    /// @throws ModelException as [#open(Path, LanguageModel.Options)]
    public static ScoringModel open(Path directory, Path headDirectory, LanguageModel.Options options) {
        ModelConfig config = ModelConfig.read(directory);
        DType dtype = options.dtype().orElse(config.dtype());
        WeightFiles files = WeightFiles.open(directory).without(TRUNK_PREFIXES);
        ScoreHead head = readHead(directory, headDirectory, files, config, dtype, options.device());
        return assemble(directory, files, head, config, dtype, options);
    }

    private static ScoringModel assemble(
            Path directory,
            WeightFiles files,
            ScoreHead head,
            ModelConfig config,
            DType dtype,
            LanguageModel.Options options) {
        Optional<Decoder> trunk = Optional.empty();
        try {
            Set<String> own = new HashSet<>(HEAD_NAMES);
            own.add("v_head.summary.bias");
            own.add(config.family().names().get(Part.HEAD) + ".weight");
            trunk = Optional.of(DecoderWeights.load(
                    directory,
                    withoutHead(config),
                    files,
                    own,
                    dtype,
                    options.device(),
                    Optional.empty(),
                    options.writable()));
            Optional<Tokenizer> tokenizer = Files.exists(directory.resolve(Tokenizer.FILE_NAME))
                    ? Optional.of(Tokenizer.open(directory))
                    : Optional.empty();
            return new ScoringModel(config, trunk.get(), head, tokenizer, ChatTemplate.read(directory));
        } catch (RuntimeException e) {
            head.close();
            trunk.ifPresent(Decoder::close);
            throw e;
        }
    }

    /// A model with a fresh head on the decoder of a language model: how reward training begins.
    ///
    /// @param directory of the language model; its own head is left aside
    /// @param outputs   scores for each text, 1 for a reward
    /// @param seed      equal seeds give equal heads
    public static ScoringModel create(Path directory, LanguageModel.Options options, int outputs, long seed) {
        ModelConfig config = ModelConfig.read(directory);
        DType dtype = options.dtype().orElse(config.dtype());
        WeightFiles files = WeightFiles.open(directory);
        String lmHead = config.family().names().get(Part.HEAD) + ".weight";
        Decoder trunk = DecoderWeights.load(
                directory,
                withoutHead(config),
                files,
                Set.of(lmHead),
                dtype,
                options.device(),
                Optional.empty(),
                options.writable());
        DecoderConfig shape = config.decoder();
        Optional<Tokenizer> tokenizer = Files.exists(directory.resolve(Tokenizer.FILE_NAME))
                ? Optional.of(Tokenizer.open(directory))
                : Optional.empty();
        return new ScoringModel(
                config,
                trunk,
                ScoreHead.random(outputs, shape.hiddenSize(), shape.initializerRange(), dtype, seed),
                tokenizer,
                ChatTemplate.read(directory));
    }

    /// A tied decoder needs no output matrix, and nobody asks this one for logits.
    private static ModelConfig withoutHead(ModelConfig config) {
        return config.withDecoder(config.decoder().toBuilder().tiedHead(true).build());
    }

    private static Optional<String> headName(Set<String> names) {
        return HEAD_NAMES.stream().filter(names::contains).findFirst();
    }

    private static ScoreHead readHead(
            Path directory, Path headDirectory, WeightFiles files, ModelConfig config, DType dtype, Device device) {
        Optional<String> inside = headName(files.names());
        if (inside.isPresent()) {
            return head(files.names(), files::tensor, inside.get(), config, directory, dtype, device);
        }
        for (String name : HEAD_FILES) {
            Path file = headDirectory.resolve(name);
            if (Files.isRegularFile(file)) {
                WeightFiles own = new WeightFiles.SafetensorsOne(SafetensorsFile.open(file));
                String found = headName(own.names())
                        .orElseThrow(() -> new ModelException(file + " holds no head: expected one of the tensors "
                                + String.join(", ", HEAD_NAMES) + ", found " + own.names() + "."));
                return head(own.names(), own::tensor, found, config, file, dtype, device);
            }
        }
        throw new ModelException(directory + " has no head that scores: expected a tensor "
                + String.join(", ", HEAD_NAMES) + ", or a file " + String.join(" or ", HEAD_FILES)
                + ". Is it a language model that was not trained as a reward model?");
    }

    private static String biasOf(String weight) {
        return weight.replace(".weight", ".bias");
    }

    private static ScoreHead head(
            Set<String> names,
            Function<String, Tensor> tensors,
            String name,
            ModelConfig config,
            Path where,
            DType dtype,
            Device device) {
        int hidden = config.decoder().hiddenSize();
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            Tensor weight = tensors.apply(name);
            if (weight.rank() != 2 || weight.size(1) != hidden) {
                throw new ModelException("%s: the tensor \"%s\" has the shape %s; expected [outputs, %d]."
                        .formatted(where, name, java.util.Arrays.toString(weight.shape()), hidden));
            }
            String biasName = biasOf(name);
            Optional<Parameter> bias = names.contains(biasName)
                    ? Optional.of(new Parameter(
                            "score.bias",
                            tensors.apply(biasName).to(dtype).to(device).copy()))
                    : Optional.empty();
            return new ScoreHead(
                    new Parameter(SCORE, weight.to(dtype).to(device).copy()), bias);
        }
    }

    /// Family, shape, special tokens.
    public ModelConfig config() {
        return config;
    }

    /// The decoder under the head. It has no use for logits: its output matrix is its embedding.
    public Decoder trunk() {
        return trunk;
    }

    /// The head.
    public ScoreHead head() {
        return head;
    }

    /// The tokenizer, where the directory has one.
    public Optional<Tokenizer> tokenizer() {
        return tokenizer;
    }

    /// The chat template, where the directory has one.
    public Optional<ChatTemplate> chatTemplate() {
        return chatTemplate;
    }

    /// All weights, those of the head last.
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>(trunk.parameters());
        all.addAll(head.parameters());
        return all;
    }

    /// The scores at every token, without recording [tokens × outputs].
    public Tensor values(TokenBatch batch) {
        return Scope.compute(() -> {
            try (Autograd.Mode off = Autograd.off()) {
                return head.apply(trunk.features(batch, List.of()));
            }
        });
    }

    /// The scores of texts: those at each one's last token.
    ///
    /// @param rows token ids without padding, each with at least one
    /// @return one array of [ScoreHead#outputs()] scores for each row
    public float[][] scores(List<int[]> rows) {
        TokenBatch batch = TokenBatch.of(rows);
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off()) {
            int[] last = batch.lastRows();
            Tensor features = trunk.features(batch, List.of())
                    .indexSelect(0, Tensor.of(last, last.length).to(trunk.device()));
            Tensor scores = head.apply(features);
            float[][] result = new float[last.length][];
            for (int i = 0; i < result.length; i++) {
                result[i] = scores.select(0, i).toFloats();
            }
            return result;
        }
    }

    /// A row without its padding on either side, as transformers finds the token to score: the rightmost one
    /// that is not the padding token.
    public static int[] withoutPadding(int[] ids, int pad) {
        int from = 0;
        int to = ids.length;
        while (to > 0 && ids[to - 1] == pad) {
            to--;
        }
        while (from < to && ids[from] == pad) {
            from++;
        }
        return java.util.Arrays.copyOfRange(ids, from, to);
    }

    /// Writes the model as a `…ForSequenceClassification` directory, which transformers, trl and vLLM read.
    ///
    /// @param dtype the type to save the weights in
    public void save(Path directory, DType dtype) throws IOException {
        Files.createDirectories(directory);
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            DecoderWeights.tensors(trunk).forEach((name, tensor) -> tensors.put(name, tensor.to(dtype)));
            head.parameters().forEach(p -> tensors.put(p.name(), p.value().to(dtype)));
            SafetensorsWriter.writeSharded(directory, tensors, SHARD_BYTES);
        }
        Files.write(
                directory.resolve("config.json"),
                JSON.writerWithDefaultPrettyPrinter()
                        .writeValueAsBytes(config.toClassifierJson(dtype, head.outputs(), padToken())));
        saveText(directory);
    }

    /// Writes an adapter of the trunk and the head as one PEFT directory for the task `SEQ_CLS`.
    ///
    /// @param adapter one of the trunk's
    /// @param base    the base model's directory, as the file is to name it
    public void saveAdapter(Adapter adapter, Path directory, String base) throws IOException {
        Files.createDirectories(directory);
        adapter.save(directory, base, AdapterConfig.Task.SEQ_CLS, head.parameters());
        saveText(directory);
    }

    private void saveText(Path directory) throws IOException {
        tokenizer.ifPresent(t -> t.save(directory));
        if (chatTemplate.isPresent()) {
            chatTemplate.get().write(directory);
        }
    }

    /// What other programs fill rows up with; they find the token to score by it.
    private OptionalInt padToken() {
        OptionalInt own = config.tokens().pad();
        return own.isPresent() ? own : tokenizer.map(Tokenizer::padTokenId).orElse(OptionalInt.empty());
    }

    @Override
    public void close() {
        trunk.close();
        head.close();
        tokenizer.ifPresent(Tokenizer::close);
    }
}
