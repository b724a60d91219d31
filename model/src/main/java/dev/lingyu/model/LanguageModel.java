package dev.lingyu.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.gguf.GgufExport;
import dev.lingyu.model.gguf.GgufModel;
import dev.lingyu.model.gguf.GgufPrecision;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.Quantization;
import dev.lingyu.tensor.kernel.QuantizedMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A model directory as a whole: decoder, tokenizer, chat template and settings, read and written as Hugging
/// Face does.
///
/// ```java
/// try (LanguageModel model = LanguageModel.open(directory, LanguageModel.Options.inference())) {
///     System.out.println(model.decoder().parameterCount());
/// }
/// ```
public final class LanguageModel implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Logger LOG = LoggerFactory.getLogger(LanguageModel.class);
    private static final String DEFAULT_ADAPTER = "default";
    private static final String GENERATION_CONFIG = "generation_config.json";
    private static final long SHARD_BYTES = 5_000_000_000L;

    private final ModelConfig config;
    private final Decoder decoder;
    private final Optional<Tokenizer> tokenizer;
    private final Optional<ChatTemplate> chatTemplate;
    private final Optional<ObjectNode> generationConfig;
    // The model whose weights and tokenizer this one shares.
    private final Optional<LanguageModel> lender;

    private LanguageModel(
            ModelConfig config,
            Decoder decoder,
            Optional<Tokenizer> tokenizer,
            Optional<ChatTemplate> chatTemplate,
            Optional<ObjectNode> generationConfig,
            Optional<LanguageModel> lender) {
        this.lender = lender;
        this.config = config;
        this.decoder = decoder;
        this.tokenizer = tokenizer;
        this.chatTemplate = chatTemplate;
        this.generationConfig = generationConfig;
    }

    /// How to hold a model.
    ///
    /// @param dtype        the type of the weights; empty for the one they were saved in
    /// @param device       where
    /// @param writable     whether the weights will be changed
    /// @param packed       whether to make copies of matrices for fast products, where memory allows
    /// @param quantization which matrices to round to 8 or 4 bits while they are read; on the CPU
    public record Options(
            Optional<DType> dtype,
            Device device,
            boolean writable,
            boolean packed,
            Optional<WeightQuantization> quantization) {
        /// All weights in one type, those that do not change packed.
        public Options(Optional<DType> dtype, Device device, boolean writable) {
            this(dtype, device, writable, !writable, Optional.empty());
        }

        /// The same with matrices rounded.
        public Options quantized(WeightQuantization how) {
            return new Options(dtype, device, writable, packed, Optional.of(how));
        }

        /// The same without copies, which depend on how much memory is free.
        public Options unpacked() {
            return new Options(dtype, device, writable, false, quantization);
        }

        /// As saved, on the CPU, read-only where the files can be mapped.
        public static Options inference() {
            return new Options(Optional.empty(), Device.CPU, false);
        }

        /// In one type, on one device.
        public Options with(DType newDtype, Device newDevice) {
            return new Options(Optional.of(newDtype), newDevice, writable, packed, quantization);
        }

        /// To be trained in one type on one device.
        public static Options training(DType dtype, Device device) {
            return new Options(Optional.of(dtype), device, true);
        }
    }

    /// Opens a model directory, or a GGUF file. One without a tokenizer opens too: it takes and gives token ids.
    ///
    /// A GGUF file is mapped. Its Q8_0, Q4_0 and Q4_1 run as they are unless a type is asked for, other quantised
    /// weights are unpacked: to `options.dtype()`, or to BF16. Its metadata
    /// stand for the directory's config, tokenizer and chat template ([GgufModel]).
    ///
    /// A PEFT adapter's directory opens as its base model with the adapter, named `default`, in use; the
    /// tokenizer and chat template are the adapter's where its directory has them.
    ///
    /// @throws ModelException when config, weights or tokenizer are missing, unsound or do not fit each other
    /// @throws dev.lingyu.model.adapter.AdapterException when an adapter is unsound or its base model is not
    ///     there
    public static LanguageModel open(Path directory, Options options) {
        if (Files.isRegularFile(directory)) {
            return openGguf(GgufModel.open(directory), options);
        }
        if (AdapterConfig.isPresent(directory)) {
            return openAdapter(directory, options);
        }
        ModelConfig config = ModelConfig.read(directory);
        try (WarmUp meanwhile = WarmUp.begin(config, options.dtype().orElse(config.dtype()), options)) {
            Optional<Tokenizer> tokenizer = Files.exists(directory.resolve(Tokenizer.FILE_NAME))
                    ? Optional.of(Tokenizer.open(directory))
                    : Optional.empty();
            return open(
                    directory,
                    config,
                    WeightFiles::open,
                    tokenizer,
                    () -> ChatTemplate.read(directory),
                    readGenerationConfig(directory),
                    options);
        }
    }

    private static LanguageModel openGguf(GgufModel file, Options options) {
        ModelConfig config = ModelConfig.of(file.config(), file.path().toString());
        DType dtype = options.dtype().orElse(config.dtype());
        boolean keep = options.dtype().isEmpty()
                && options.quantization().isEmpty()
                && !options.writable()
                && options.device().equals(Device.CPU);
        LOG.info("{}: {}", file.path(), file.cost(dtype, keep));
        Optional<Tokenizer> tokenizer = file.documents().isEmpty()
                ? Optional.empty()
                : Optional.of(Tokenizer.of(file.documents(), file.path().toString()));
        String templateName = file.path() + " (tokenizer.chat_template)";
        return open(
                file.path(),
                config,
                path -> new WeightFiles.Gguf(file, dtype, keep),
                tokenizer,
                () -> file.chatTemplate().map(source -> ChatTemplate.of(templateName, source)),
                Optional.ofNullable(file.documents().get(GENERATION_CONFIG))
                        .flatMap(json -> generationConfig(json, file.path())),
                options);
    }

    /// @param tokenizer closed here when opening fails
    private static LanguageModel open(
            Path path,
            ModelConfig config,
            Function<Path, WeightFiles> weights,
            Optional<Tokenizer> tokenizer,
            Supplier<Optional<ChatTemplate>> templates,
            Optional<ObjectNode> generation,
            Options options) {
        try {
            tokenizer.ifPresent(t -> checkSizes(path, t.vocabularySize(), config.decoder()));
            Optional<ChatTemplate> template = templates.get();
            DType dtype = options.dtype().orElse(config.dtype());
            checkQuantization(path, config, options);
            Decoder decoder = DecoderWeights.load(
                    path,
                    config,
                    weights.apply(path),
                    Set.of(),
                    dtype,
                    options.device(),
                    options.quantization(),
                    options.writable());
            if (options.packed()) {
                decoder.pack();
            }
            return new LanguageModel(
                    config.withDecoder(decoder.config()), decoder, tokenizer, template, generation, Optional.empty());
        } catch (RuntimeException e) {
            tokenizer.ifPresent(Tokenizer::close);
            throw e;
        }
    }

    private static void checkQuantization(Path path, ModelConfig config, Options options) {
        boolean stored = config.quantization().isPresent();
        if ((stored || options.quantization().isPresent()) && !options.device().equals(Device.CPU)) {
            throw new ModelException("Weights of 8 or 4 bits run on the CPU only; expected --device cpu.");
        }
        if (stored && options.quantization().isPresent()) {
            throw new ModelException(path + ": the weights are "
                    + config.quantization().get() + " already; leave --dtype away, or open the plain model.");
        }
    }

    private static LanguageModel openAdapter(Path directory, Options options) {
        LanguageModel base = open(AdapterConfig.baseOf(directory), options);
        try {
            base.adapt(DEFAULT_ADAPTER, directory);
            if (!Files.exists(directory.resolve(Tokenizer.FILE_NAME))) {
                return base;
            }
            Tokenizer own = Tokenizer.open(directory);
            base.tokenizer.ifPresent(Tokenizer::close);
            return new LanguageModel(
                    base.config,
                    base.decoder,
                    Optional.of(own),
                    ChatTemplate.read(directory).or(() -> base.chatTemplate),
                    base.generationConfig,
                    Optional.empty());
        } catch (RuntimeException e) {
            base.close();
            throw e;
        }
    }

    /// Loads an adapter and uses it beside those in use; see [Adapters].
    ///
    /// @param name what to call it
    public void adapt(String name, Path directory) {
        Adapters adapters = decoder.adapters();
        adapters.load(name, directory);
        List<String> names =
                new ArrayList<>(adapters.inUse().stream().map(Adapter::name).toList());
        names.add(name);
        adapters.use(names.toArray(String[]::new));
    }

    /// A second model over the same weights, tokenizer and template, with adapters of its own: two may
    /// compute on two threads. Close it before this one.
    public LanguageModel sharing() {
        return new LanguageModel(
                config, decoder.sharing(), tokenizer, chatTemplate, generationConfig, Optional.of(this));
    }

    /// A model with fresh weights.
    ///
    /// @param seed equal seeds give equal weights
    public static LanguageModel create(
            ModelConfig config, Tokenizer tokenizer, Optional<ChatTemplate> chatTemplate, DType dtype, long seed) {
        if (tokenizer.vocabularySize() > config.decoder().vocabularySize()) {
            throw new ModelException("The tokenizer has " + tokenizer.vocabularySize() + " tokens, the model only "
                    + config.decoder().vocabularySize() + " rows in its embedding: make vocab_size at least as large.");
        }
        return new LanguageModel(
                config,
                DecoderWeights.random(config, dtype, seed),
                Optional.of(tokenizer),
                chatTemplate,
                Optional.empty(),
                Optional.empty());
    }

    private static void checkSizes(Path directory, int tokens, DecoderConfig decoder) {
        if (tokens > decoder.vocabularySize()) {
            throw new ModelException(
                    "%s: the tokenizer has %d tokens, the embedding only %d rows (vocab_size in config.json). "
                                    .formatted(directory, tokens, decoder.vocabularySize())
                            + "The two files belong to different models, or the embedding was not enlarged for added tokens.");
        }
    }

    private static Optional<ObjectNode> readGenerationConfig(Path directory) {
        Path file = directory.resolve(GENERATION_CONFIG);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return generationConfig(Files.readAllBytes(file), file);
        } catch (IOException e) {
            throw new ModelException(file + " can't be read: " + e.getMessage() + ".", e);
        }
    }

    private static Optional<ObjectNode> generationConfig(byte[] json, Path where) {
        try {
            return JSON.readTree(json) instanceof ObjectNode object ? Optional.of(object) : Optional.empty();
        } catch (IOException e) {
            throw new ModelException(where + " can't be read: " + e.getMessage() + ".", e);
        }
    }

    /// How matrices are quantised, where some are.
    public Optional<Quantization> quantization() {
        return decoder.parameters().stream()
                .flatMap(p -> p.quantized().stream())
                .map(QuantizedMatrix::method)
                .findFirst();
    }

    /// Family, shape, special tokens.
    public ModelConfig config() {
        return config;
    }

    /// The weights.
    public Decoder decoder() {
        return decoder;
    }

    /// The tokenizer, where the directory has one.
    public Optional<Tokenizer> tokenizer() {
        return tokenizer;
    }

    /// The tokenizer.
    ///
    /// @throws ModelException where the directory has none
    public Tokenizer requireTokenizer() {
        return tokenizer.orElseThrow(
                () -> new ModelException(
                        "This model has no tokenizer (no tokenizer.json): give token ids (input_ids) instead of text, or add the file."));
    }

    /// The chat template, where the directory has one.
    public Optional<ChatTemplate> chatTemplate() {
        return chatTemplate;
    }

    /// How conversations become ids: the directory's template, or the domain's default `User: …⏎⏎Bot: …`.
    public ChatEncoder chatEncoder() {
        return ChatEncoder.of(
                requireTokenizer(), chatTemplate.orElseGet(() -> ChatTemplates.named(ChatTemplates.DEFAULT)));
    }

    /// The same model with another chat template, which [#save] writes.
    public LanguageModel withChatTemplate(ChatTemplate template) {
        return new LanguageModel(config, decoder, tokenizer, Optional.of(template), generationConfig, lender);
    }

    /// The same model with another tokenizer that has the old tokens and more behind them: embedding and head
    /// grow where they must, a tied head stays tied. This object must not be used or closed any more.
    ///
    /// @param larger   the new one's to close; the old tokenizer is closed
    /// @param multiple the number of rows is made a multiple of it; 1 for no more than needed
    /// @param parts    the old ids that a new token is made of, whose rows' mean its row becomes; an empty
    ///     array: the mean of all tokens' rows
    /// @throws ModelException when a token that both have has two ids
    public LanguageModel withTokenizer(Tokenizer larger, int multiple, IntFunction<int[]> parts) {
        int used = tokenizer
                .map(Tokenizer::vocabularySize)
                .orElseGet(() -> config.decoder().vocabularySize());
        for (int id = 0; tokenizer.isPresent() && id < used; id++) {
            Optional<String> token = tokenizer.get().token(id);
            if (token.isPresent() && !larger.token(id).equals(token)) {
                throw new ModelException("The token \"" + token.get() + "\" has the id " + id
                        + " in the model's tokenizer and not in the new one: it belongs to another model.");
            }
        }
        int needed = Math.max(config.decoder().vocabularySize(), larger.vocabularySize());
        int rows = Math.ceilDiv(needed, multiple) * multiple;
        Decoder grown = DecoderWeights.resized(
                decoder, config, rows, Math.min(used, config.decoder().vocabularySize()), parts);
        tokenizer.ifPresent(Tokenizer::close);
        return new LanguageModel(
                config.withDecoder(grown.config()), grown, Optional.of(larger), chatTemplate, generationConfig, lender);
    }

    /// The same model with a built-in chat template, which [#save] writes. What ends an answer in the template
    /// is one of [#endTokens] from then on.
    ///
    /// @throws ModelException when there is no such template, or the tokenizer lacks what ends its answers
    public LanguageModel withChatTemplate(String name) {
        Tokenizer t = requireTokenizer();
        ChatTemplate template = ChatTemplates.fitting(name, t);
        ObjectNode generation = generationConfig();
        Set<Integer> ends = new LinkedHashSet<>();
        ChatTemplates.stopTokens(name).forEach(token -> t.id(token).ifPresent(ends::add));
        if (!ends.isEmpty()) {
            ends.addAll(endTokens());
            ends.forEach(generation.putArray("eos_token_id")::add);
        }
        return new LanguageModel(config, decoder, tokenizer, Optional.of(template), Optional.of(generation), lender);
    }

    /// The tokens that end an answer: those of generation_config.json, config.json and the tokenizer
    /// together.
    public Set<Integer> endTokens() {
        Set<Integer> ids = new LinkedHashSet<>(config.tokens().eos());
        generationConfig.ifPresent(g -> {
            JsonNode eos = g.path("eos_token_id");
            if (eos.isInt()) {
                ids.add(eos.intValue());
            }
            eos.forEach(id -> ids.add(id.asInt()));
        });
        tokenizer.ifPresent(t -> ids.addAll(t.eosTokenIds()));
        return ids;
    }

    /// Writes the model as a Hugging Face directory: config, weights in shards of at most 5 GB, tokenizer,
    /// chat template. Quantised matrices stay what they are; config.json then says how to read them, and
    /// other programs can't load them.
    ///
    /// @param directory made where it does not exist; files of the same names are replaced one by one, each
    ///                  atomically
    /// @param dtype     the type to save the weights in
    /// @throws ModelException when an adapter is in use that is not merged: its changes would be lost
    public void save(Path directory, DType dtype) throws IOException {
        save(directory, dtype, Parameter::value);
    }

    /// The same with values from elsewhere, such as an optimiser's masters.
    ///
    /// @param value of each weight that is not quantised, of its shape
    public void save(Path directory, DType dtype, Function<Parameter, Tensor> value) throws IOException {
        checkAdaptersAreMerged("a model directory");
        Files.createDirectories(directory);
        try (Scope scope = Scope.open()) {
            SafetensorsWriter.writeSharded(directory, DecoderWeights.stored(decoder, dtype, value), SHARD_BYTES);
        }
        ObjectNode json = config.withDecoder(decoder.config()).toJson(dtype);
        WeightQuantization.write(json, quantization());
        writeJson(directory.resolve("config.json"), json);
        writeJson(directory.resolve(GENERATION_CONFIG), generationConfig());
        saveText(directory);
    }

    /// Writes the model as a GGUF file: metadata, tokenizer, chat template, weights.
    ///
    /// @param file      replaced, at once, where it exists
    /// @param name      what to call the model in the file
    /// @param precision how the matrices are stored; norms and biases are F32
    /// @return what GGUF or llama.cpp has no words for, a sentence each
    /// @throws ModelException when an adapter is in use that is not merged
    /// @throws dev.lingyu.model.gguf.GgufException when there is no GGUF architecture for the model
    public List<String> saveGguf(Path file, String name, GgufPrecision precision) throws IOException {
        checkAdaptersAreMerged("a GGUF file");
        return GgufExport.write(
                file,
                new GgufExport.Source(
                        name,
                        config.withDecoder(decoder.config()).toPlainJson(),
                        DecoderWeights.tensors(decoder),
                        tokenizer,
                        chatTemplate.map(ChatTemplate::source)),
                precision);
    }

    private void checkAdaptersAreMerged(String what) {
        Adapters adapters = decoder.adapters();
        if (!adapters.inUse().isEmpty() && !adapters.isMerged()) {
            throw new ModelException(
                    "An adapter is in use, which " + what + " can't hold: merge it first, or save the adapter alone.");
        }
    }

    /// Writes tokenizer and chat template alone, for a directory whose weights are elsewhere.
    private void saveText(Path directory) throws IOException {
        tokenizer.ifPresent(t -> t.save(directory));
        if (chatTemplate.isPresent()) {
            chatTemplate.get().write(directory);
        }
    }

    /// Writes one adapter as a PEFT directory, with tokenizer and chat template beside it.
    ///
    /// @param base the base model's directory, as `adapter_config.json` is to name it
    public void saveAdapter(Adapter adapter, Path directory, String base) throws IOException {
        Files.createDirectories(directory);
        adapter.save(directory, base);
        saveText(directory);
    }

    private ObjectNode generationConfig() {
        if (generationConfig.isPresent()) {
            return generationConfig.get().deepCopy();
        }
        ObjectNode node = JSON.createObjectNode();
        config.tokens().bos().ifPresent(id -> node.put("bos_token_id", id));
        config.tokens().pad().ifPresent(id -> node.put("pad_token_id", id));
        List<Integer> end = new ArrayList<>(endTokens());
        if (end.size() == 1) {
            node.put("eos_token_id", end.getFirst());
        } else if (!end.isEmpty()) {
            end.forEach(node.putArray("eos_token_id")::add);
        }
        return node;
    }

    private static void writeJson(Path file, ObjectNode node) throws IOException {
        Files.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(node));
    }

    @Override
    public void close() {
        decoder.close();
        if (lender.isEmpty()) {
            tokenizer.ifPresent(Tokenizer::close);
        }
    }
}
