package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.NativeMemory;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// A decoder-only transformer: the one class that trains, rolls out and serves every family.
///
/// ```
/// x = norm(embedding[ids])                              (the norm is BLOOM's)
/// for each block:  x = x + attention(norm(x));  x = x + feedForward(norm(x))
/// logits = norm(x) · headᵀ
/// ```
///
/// A [TokenBatch] goes through as one matrix [tokens × hidden]. The pieces ([#embed], [#block], [#finish],
/// [#head]) are public because training differentiates them one at a time.
public final class Decoder implements AutoCloseable {
    private final DecoderConfig config;
    private final Map<String, Parameter> parameters;
    private final Table tokenEmbedding;
    private final Optional<Table> positionEmbedding;
    private final Optional<Norm> embeddingNorm;
    private final List<DecoderBlock> blocks = new ArrayList<>();
    private final Norm finalNorm;
    private final Linear head;
    private final Layers layers;
    private final Adapters adapters;
    private final DropoutMasks dropout = new DropoutMasks();
    private final boolean ownsParameters;
    private final Map<Part, String> names;

    /// Assembles a decoder from its weights.
    ///
    /// @param names      how the family calls each part
    /// @param parameters by name, exactly those of [WeightLayout]; the decoder owns them from here
    Decoder(DecoderConfig config, Map<Part, String> names, Map<String, Parameter> parameters) {
        this(config, names, parameters, true);
    }

    private Decoder(
            DecoderConfig config, Map<Part, String> names, Map<String, Parameter> parameters, boolean ownsParameters) {
        this.config = config;
        this.names = names;
        this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        this.ownsParameters = ownsParameters;
        Layers of = new Layers(names, parameters, config.normEpsilon());
        layers = of;
        tokenEmbedding = of.table(Part.TOKEN_EMBEDDING).orElseThrow();
        positionEmbedding = of.table(Part.POSITION_EMBEDDING);
        embeddingNorm = of.norm(Part.EMBEDDING_NORM, 0);
        finalNorm = of.norm(Part.FINAL_NORM, 0).orElseThrow();
        head = of.head(config.tiedHead());
        for (int layer = 0; layer < config.layers(); layer++) {
            blocks.add(new DecoderBlock(config, of, layer));
        }
        adapters = new Adapters(this, of, head, dropout);
    }

    /// A second decoder over the same weights, with adapters of its own. Close it before this one.
    public Decoder sharing() {
        return new Decoder(config, names, parameters, false);
    }

    /// What the decoder looks like with the weights that are in use.
    public DecoderConfig config() {
        return config.tiedHead() && head.weight() != tokenEmbedding.weight() ? config.untied() : config;
    }

    /// The adapters that can be switched on.
    public Adapters adapters() {
        return adapters;
    }

    /// The dropout that adapters ask for.
    public DropoutMasks dropout() {
        return dropout;
    }

    /// All weights in use, without what adapters add to them; a tied head appears once, as the embedding.
    public Collection<Parameter> parameters() {
        return weights().values();
    }

    /// All weights in use by their names in the files, in that order. A copy that an adapter put in place
    /// stands here under the name of what it replaces.
    public Map<String, Parameter> weights() {
        Map<String, Parameter> inUse = new LinkedHashMap<>();
        parameters.keySet().forEach(name -> inUse.put(name, parameter(name)));
        if (config().tiedHead() != config.tiedHead()) {
            inUse.put(layers.headWeight(), head.weight());
        }
        return Collections.unmodifiableMap(inUse);
    }

    /// One weight in use by its name in the files.
    public Parameter parameter(String name) {
        Slot slot = layers.slots().get(name);
        if (slot == null) {
            throw new ModelException("The model has no weight \"" + name + "\".");
        }
        return slot.get();
    }

    /// The number of weights.
    public long parameterCount() {
        return parameters.values().stream().mapToLong(Parameter::count).sum();
    }

    /// The weights of matrix products, each of which costs a token 2 operations going forward. The head is there once,
    /// tied or not; tables that are only looked up are not.
    public Set<Parameter> matmulWeights() {
        Set<Parameter> weights = new LinkedHashSet<>();
        for (DecoderBlock block : blocks) {
            block.parameters().stream().filter(p -> p.shape().length == 2).forEach(weights::add);
        }
        weights.add(head.weight());
        return weights;
    }

    /// The type of the weights and of the activations between blocks.
    public DType dtype() {
        return tokenEmbedding.weight().dtype();
    }

    /// Where the weights are.
    public Device device() {
        return tokenEmbedding.weight().device();
    }

    /// Prepares matrices for products with few rows, as decoding has them: a copy of each in a layout of its own,
    /// where there is a kernel for its type. For decoders whose weights do not change. Where the copies would take
    /// more than half of the free memory, or the decoder is on a GPU, nothing happens.
    public void pack() {
        Set<Parameter> matrices = matmulWeights();
        long bytes = matrices.stream().mapToLong(Parameter::byteCount).sum();
        if (device().equals(Device.CPU) && bytes <= NativeMemory.available().orElse(Long.MAX_VALUE) / 2) {
            matrices.forEach(Parameter::pack);
        }
    }

    /// Rounds matrices to 8 or 4 bits, for good. For decoders on the CPU whose weights do not change any more.
    public void quantize(WeightQuantization how) {
        parameters.forEach((name, parameter) -> {
            if (parameter.quantized().isEmpty() && how.takes(name, names, config.tiedHead(), parameter.shape())) {
                parameter.quantize(how.method());
            }
        });
    }

    /// Moves the weights to another device; no pass may be under way.
    public void moveTo(Device device) {
        if (!device.equals(device())) {
            try (Scope scope = Scope.open();
                    Autograd.Mode off = Autograd.off()) {
                parameters.values().forEach(p -> p.replace(p.value().to(device)));
            }
        }
    }

    /// The matrix that turns features into logits [vocabulary × hidden]; the embedding itself when tied.
    public Parameter head() {
        return head.weight();
    }

    /// The weights of adapters to the head; where there are some, [#head()] alone does not say what it computes.
    public List<Parameter> headAdapterParameters() {
        return head.adapters().stream()
                .flatMap(adapter -> adapter.parameters().stream())
                .toList();
    }

    /// The token embedding [vocabulary × hidden].
    public Parameter tokenEmbedding() {
        return tokenEmbedding.weight();
    }

    /// The weights of one block, in the order of the files, then those of its adapters.
    public List<Parameter> blockParameters(int layer) {
        return blocks.get(layer).parameters();
    }

    /// Prepares what all blocks of one pass share. Close it after the pass.
    ///
    /// @param caches one per sequence, or an empty list for a pass without a past
    public Pass begin(TokenBatch batch, List<KvCache> caches) {
        return begin(batch, caches, RowTiles.NONE, false);
    }

    private Pass begin(TokenBatch batch, List<KvCache> caches, RowTiles tiles, boolean inference) {
        return new Pass(
                batch, new Attention(config, batch, caches, dtype(), device(), tiles, inference), dropout.begin());
    }

    /// What all blocks of one pass share: the batch, rotary angles, attention biases, caches.
    public static final class Pass implements AutoCloseable {
        private final TokenBatch batch;
        private final Attention attention;
        private final long dropoutPass;

        private Pass(TokenBatch batch, Attention attention, long dropoutPass) {
            this.batch = batch;
            this.attention = attention;
            this.dropoutPass = dropoutPass;
        }

        @Override
        public void close() {
            attention.close();
        }
    }

    /// Token features before the first block [tokens × hidden].
    public Tensor embed(Pass pass) {
        return Scope.compute(() -> {
            Tensor x = lookUp(pass);
            return pass.attention.inference() && embeddingNorm.isPresent()
                    ? embeddingNorm.get().infer(x)
                    : normalizeEmbedding(x);
        });
    }

    /// The embeddings of the tokens, positions added where they are learned [tokens × hidden].
    public Tensor lookUp(Pass pass) {
        return Scope.compute(() -> {
            Tensor x = tokenEmbedding.rows(pass.batch.ids());
            return positionEmbedding.isEmpty()
                    ? x
                    : x.add(positionEmbedding.get().rows(pass.batch.positions()));
        });
    }

    /// BLOOM's norm behind the embedding; other families pass through.
    public Tensor normalizeEmbedding(Tensor x) {
        return embeddingNorm.isPresent() ? embeddingNorm.get().apply(x) : x;
    }

    /// The weights of [#normalizeEmbedding], if any.
    public List<Parameter> embeddingNormParameters() {
        return embeddingNorm.map(Norm::parameters).orElse(List.of());
    }

    /// The weights of [#finish].
    public List<Parameter> finalNormParameters() {
        return finalNorm.parameters();
    }

    /// The learned positions [positions × hidden], where the family has them.
    public Optional<Parameter> positionEmbedding() {
        return positionEmbedding.map(Table::weight);
    }

    /// The weights of adapters to the embeddings.
    public List<Parameter> embeddingAdapterParameters() {
        return Stream.concat(Stream.of(tokenEmbedding), positionEmbedding.stream())
                .flatMap(table -> table.adapters().stream())
                .flatMap(adapter -> adapter.parameters().stream())
                .toList();
    }

    /// One block.
    ///
    /// @param x [tokens × hidden]
    /// @return [tokens × hidden]; everything computed on the way is freed, but for what autograd recorded
    public Tensor block(int layer, Tensor x, Pass pass) {
        try (DropoutMasks.During now = dropout.during(pass.dropoutPass)) {
            return Scope.compute(() -> blocks.get(layer).apply(x, pass.attention));
        }
    }

    /// The norm behind the last block.
    public Tensor finish(Tensor x) {
        return finalNorm.apply(x);
    }

    /// Logits of some rows of finished features.
    ///
    /// @param hidden [rows × hidden]
    /// @return [rows × vocabulary]
    public Tensor head(Tensor hidden) {
        return head.apply(hidden);
    }

    /// The same within a pass, whose dropout it shares.
    ///
    /// @param chunk the number of these rows among those that go through in turns
    public Tensor head(Tensor hidden, Pass pass, int chunk) {
        try (DropoutMasks.During now = dropout.during(pass.dropoutPass, chunk)) {
            return head.apply(hidden);
        }
    }

    /// The same with a say in how many rows go together, as in [#features(TokenBatch, List, RowTiles)].
    public Tensor head(Tensor hidden, RowTiles tiles) {
        return tiles.map(hidden, this::head);
    }

    /// The finished features of all tokens, without recording.
    ///
    /// @param caches one per sequence, which then hold the new tokens too; or none
    /// @return [tokens × hidden]
    public Tensor features(TokenBatch batch, List<KvCache> caches) {
        return features(batch, caches, RowTiles.NONE);
    }

    /// The same with a say in how layers take their rows.
    ///
    /// @param tiles [RowTiles#FIXED] for features of a sequence that do not depend on the rest of the batch
    public Tensor features(TokenBatch batch, List<KvCache> caches, RowTiles tiles) {
        try (Scope scope = Scope.open();
                Autograd.Mode off = Autograd.off();
                Pass pass = begin(batch, caches, tiles, true)) {
            Tensor x = embed(pass);
            for (int layer = 0; layer < blocks.size(); layer++) {
                Tensor next = block(layer, x, pass);
                x.close();
                x = next;
            }
            pass.attention.advanceCaches();
            return scope.keep(tiles.map(x, finalNorm::infer));
        }
    }

    /// The logits of every token, without recording [tokens × vocabulary].
    public Tensor logits(TokenBatch batch) {
        return Scope.compute(() -> {
            try (Autograd.Mode off = Autograd.off()) {
                return head(features(batch, List.of()));
            }
        });
    }

    @Override
    public void close() {
        adapters.close();
        if (ownsParameters) {
            parameters.values().forEach(Parameter::close);
        }
    }
}
