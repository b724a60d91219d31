package dev.lingyu.model;

import dev.lingyu.tensor.Laps;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.SumKernel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// One transformer block in its pre-norm form: `x + attention(norm(x))`, then `x + feedForward(norm(x))`.
final class DecoderBlock {
    private final DecoderConfig config;
    private final int layer;
    private final List<Slot> slots;
    private final List<Linear> linears;
    private final Norm attentionNorm;
    /// Query, key and value, or none.
    private final List<Linear> separate;

    private final Optional<Linear> queryKeyValue;
    private final Optional<Norm> queryNorm;
    private final Optional<Norm> keyNorm;
    private final Linear attentionOutput;
    private final Norm feedForwardNorm;
    /// The widening matrix behind the gate's, if that stands alone; or none.
    private final List<Linear> wideners;

    private final Optional<Linear> gateUp;
    private final Linear down;

    DecoderBlock(DecoderConfig config, Layers of, int layer) {
        this.config = config;
        this.layer = layer;
        attentionNorm = of.norm(Part.ATTENTION_NORM, layer).orElseThrow();
        separate = Stream.of(Part.QUERY, Part.KEY, Part.VALUE)
                .flatMap(part -> of.linear(part, layer).stream())
                .toList();
        queryKeyValue = of.linear(Part.QUERY_KEY_VALUE, layer);
        queryNorm = of.norm(Part.QUERY_NORM, layer);
        keyNorm = of.norm(Part.KEY_NORM, layer);
        attentionOutput = of.linear(Part.ATTENTION_OUTPUT, layer).orElseThrow();
        feedForwardNorm = of.norm(Part.FEED_FORWARD_NORM, layer).orElseThrow();
        wideners = Stream.of(Part.GATE, Part.UP)
                .flatMap(part -> of.linear(part, layer).stream())
                .toList();
        gateUp = of.linear(Part.GATE_UP, layer);
        down = of.linear(Part.DOWN, layer).orElseThrow();
        slots = of.block(layer);
        linears = of.linears(layer);
    }

    /// The weights in use, those of adapters behind the block's own.
    List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>();
        slots.forEach(slot -> all.add(slot.get()));
        linears.forEach(linear -> linear.adapters().forEach(adapter -> all.addAll(adapter.parameters())));
        return all;
    }

    /// @param x [tokens × hidden]
    /// @return [tokens × hidden]
    Tensor apply(Tensor x, Attention attention) {
        RowTiles tiles = attention.tiles();
        List<Tensor> qkv =
                tiles.mapAll(List.of(x), in -> queryKeyValue(norm(attentionNorm, in.getFirst(), attention), attention));
        Tensor mixed = attention.attend(layer, qkv.get(0), qkv.get(1), qkv.get(2));
        return tiles.mapAll(List.of(x, mixed), in -> List.of(afterAttention(in.get(0), in.get(1), attention)))
                .getFirst();
    }

    private static Tensor norm(Norm norm, Tensor x, Attention pass) {
        if (pass.inference()) {
            return norm.infer(x);
        }
        Laps.end("rest, forward");
        Tensor normed = GradientTape.cut(norm.apply(x));
        Laps.end("norms, forward");
        return normed;
    }

    private Tensor afterAttention(Tensor x, Tensor mixed, Attention pass) {
        Tensor attended = GradientTape.cut(sum(x, attentionOutput.apply(mixed)));
        return sum(attended, feedForward(norm(feedForwardNorm, attended, pass)));
    }

    /// A residual connection.
    ///
    /// @param y what a layer added, which nobody else needs: few rows are added in place
    private static Tensor sum(Tensor x, Tensor y) {
        if (GradientTape.isRecording() || !SumKernel.takes(x, y)) {
            return x.add(y);
        }
        SumKernel.add(x, y);
        return y;
    }

    private List<Tensor> queryKeyValue(Tensor x, Attention pass) {
        Tensor q;
        Tensor k;
        Tensor v;
        switch (config.projections()) {
            case SEPARATE -> {
                List<Tensor> three = Linear.apply(separate, x);
                q = heads(three.get(0), config.heads());
                k = heads(three.get(1), config.keyValueHeads());
                v = heads(three.get(2), config.keyValueHeads());
            }
            case FUSED_BY_HEAD -> {
                Tensor fused =
                        queryKeyValue.orElseThrow().apply(x).view(x.size(0), config.heads(), 3, config.headSize());
                List<Tensor> kinds = fused.unbind(2);
                q = kinds.get(0);
                k = kinds.get(1);
                v = kinds.get(2);
            }
            case FUSED_BY_KIND -> {
                Tensor fused = heads(queryKeyValue.orElseThrow().apply(x), config.heads() + 2 * config.keyValueHeads());
                List<Tensor> kinds = fused.split(1, config.heads(), config.keyValueHeads(), config.keyValueHeads());
                q = kinds.get(0);
                k = kinds.get(1);
                v = kinds.get(2);
            }
            default -> throw new IllegalStateException();
        }
        return List.of(headNorm(queryNorm, q, pass), headNorm(keyNorm, k, pass), v);
    }

    private static Tensor headNorm(Optional<Norm> norm, Tensor x, Attention pass) {
        if (norm.isEmpty()) {
            return x;
        }
        return pass.inference() ? norm.get().infer(x) : norm.get().apply(x);
    }

    private Tensor heads(Tensor x, int count) {
        return x.view(x.size(0), count, config.headSize());
    }

    private Tensor feedForward(Tensor x) {
        Activation activation = config.activation();
        if (gateUp.isPresent()) {
            int half = config.intermediateSize();
            List<Tensor> both = gateUp.get().apply(x).split(1, half, half);
            return down.apply(activation.gated(both.getFirst(), both.getLast()));
        }
        List<Tensor> wide = Linear.apply(wideners, x);
        return down.apply(
                wide.size() == 2
                        ? activation.gated(wide.getFirst(), wide.getLast())
                        : activation.apply(wide.getFirst()));
    }
}
