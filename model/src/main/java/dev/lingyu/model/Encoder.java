package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A bidirectional transformer that turns texts into vectors: BERT (Devlin et al. 2019) and RoBERTa (Liu et al.
/// 2019).
///
/// ```
/// x = norm(words[ids] + positions + types)
/// for each layer:  x = norm(x + attention(x));  x = norm(x + feedForward(x))
/// ```
///
/// Like in [Decoder], texts of different lengths lie end to end in one matrix [tokens × hidden] and no padding
/// exists.
public final class Encoder implements AutoCloseable {
    private final EncoderConfig config;
    private final Map<String, Parameter> parameters;
    private final Parameter words;
    private final Parameter positions;
    private final Parameter types;
    private final Norm embeddingNorm;
    private final List<Layer> layers = new ArrayList<>();

    /// The linear maps and norms of one layer, in the order of their use.
    private record Layer(
            Linear query,
            Linear key,
            Linear value,
            Linear output,
            Norm outputNorm,
            Linear up,
            Linear down,
            Norm downNorm) {}

    /// Assembles an encoder from its weights.
    ///
    /// @param parameters by name, exactly those of [EncoderWeights]; the encoder owns them from here
    Encoder(EncoderConfig config, Map<String, Parameter> parameters) {
        this.config = config;
        this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        words = parameter("embeddings.word_embeddings.weight");
        positions = parameter("embeddings.position_embeddings.weight");
        types = parameter("embeddings.token_type_embeddings.weight");
        embeddingNorm = norm("embeddings.LayerNorm");
        for (int i = 0; i < config.layers(); i++) {
            String layer = "encoder.layer." + i + ".";
            layers.add(new Layer(
                    linear(layer + "attention.self.query"),
                    linear(layer + "attention.self.key"),
                    linear(layer + "attention.self.value"),
                    linear(layer + "attention.output.dense"),
                    norm(layer + "attention.output.LayerNorm"),
                    linear(layer + "intermediate.dense"),
                    linear(layer + "output.dense"),
                    norm(layer + "output.LayerNorm")));
        }
    }

    private Linear linear(String name) {
        return new Linear(parameter(name + ".weight"), Optional.of(parameter(name + ".bias")));
    }

    private Norm norm(String name) {
        return new Norm(parameter(name + ".weight"), Optional.of(parameter(name + ".bias")), config.normEpsilon());
    }

    /// What the encoder looks like.
    public EncoderConfig config() {
        return config;
    }

    /// All weights in the order of the files.
    public Collection<Parameter> parameters() {
        return parameters.values();
    }

    /// One weight by its name in the files.
    public Parameter parameter(String name) {
        Parameter parameter = parameters.get(name);
        if (parameter == null) {
            throw new ModelException("The model has no weight \"" + name + "\".");
        }
        return parameter;
    }

    /// The type of the weights and activations.
    public DType dtype() {
        return words.value().dtype();
    }

    /// Where the weights are.
    public Device device() {
        return words.value().device();
    }

    /// The features of every token before the first layer and after each: `layers + 1` tensors [tokens ×
    /// hidden]. Recorded for gradients where the thread's mode says so.
    ///
    /// @param batch texts that start at position 0
    /// @param tokenTypes the segment of each token (0 or 1); empty means all 0
    /// @throws ModelException when a text is longer than [EncoderConfig#maxTokens]
    public List<Tensor> hiddenStates(TokenBatch batch, int[] tokenTypes) {
        List<Tensor> states = new ArrayList<>();
        states.add(Scope.compute(() -> embed(batch, tokenTypes)));
        for (Layer layer : layers) {
            Tensor x = states.getLast();
            states.add(Scope.compute(() -> apply(layer, x, batch)));
        }
        return states;
    }

    private Tensor embed(TokenBatch batch, int[] tokenTypes) {
        int[] rows = batch.positions();
        for (int i = 0; i < rows.length; i++) {
            if (rows[i] >= config.maxTokens()) {
                throw new ModelException("A text has more than the " + config.maxTokens()
                        + " tokens that this encoder was made for: shorten it or cut it into pieces.");
            }
            rows[i] += config.positionOffset();
        }
        int[] segments = tokenTypes.length == 0 ? new int[rows.length] : tokenTypes;
        return embeddingNorm.apply(
                look(words, batch.ids()).add(look(types, segments)).add(look(positions, rows)));
    }

    private Tensor look(Parameter table, int[] rows) {
        return Functional.embedding(table.value(), Tensor.of(rows, rows.length).to(device()));
    }

    private Tensor apply(Layer layer, Tensor x, TokenBatch batch) {
        Tensor attended = layer.outputNorm.apply(
                layer.output.apply(attend(layer, x, batch)).add(x));
        Tensor wide = config.activation().apply(layer.up.apply(attended));
        return layer.downNorm.apply(layer.down.apply(wide).add(attended));
    }

    /// `softmax(q kᵀ / √d) v` within each text, every token seeing every other.
    private Tensor attend(Layer layer, Tensor x, TokenBatch batch) {
        long headSize = config.hiddenSize() / config.heads();
        Tensor q = layer.query.apply(x).mul(1 / Math.sqrt(headSize));
        Tensor k = layer.key.apply(x);
        Tensor v = layer.value.apply(x);
        List<Tensor> contexts = new ArrayList<>();
        int row = 0;
        for (int n : batch.lengths()) {
            Tensor weights =
                    heads(q, row, n).matmul(heads(k, row, n).transpose(-1, -2)).softmax(-1);
            contexts.add(weights.matmul(heads(v, row, n)).transpose(0, 1).reshape(n, config.hiddenSize()));
            row += n;
        }
        return contexts.size() == 1 ? contexts.getFirst() : Tensor.cat(contexts, 0);
    }

    /// @return [heads × n × headSize]
    private Tensor heads(Tensor x, int row, int n) {
        return x.narrow(0, row, n)
                .view(n, config.heads(), config.hiddenSize() / config.heads())
                .transpose(0, 1);
    }

    /// One vector per text, without recording.
    ///
    /// @param unitLength whether to scale each to length 1, so that dot products are cosines
    /// @return [texts × hidden]
    public Tensor embeddings(TokenBatch batch, Pooling pooling, boolean unitLength) {
        return Scope.compute(() -> {
            try (Autograd.Mode off = Autograd.off()) {
                Tensor pooled = pooling.pool(hiddenStates(batch, new int[0]), batch);
                return unitLength ? Pooling.unitLength(pooled) : pooled;
            }
        });
    }

    @Override
    public void close() {
        parameters.values().forEach(Parameter::close);
    }
}
