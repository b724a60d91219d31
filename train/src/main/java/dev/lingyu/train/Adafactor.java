package dev.lingyu.train;

import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Adafactor (Shazeer & Stern 2018) with an external learning rate: second moments of a matrix are kept as
/// one value per row and one per column, so the optimiser's memory is next to nothing.
///
/// ```
/// β ← 1 − t^(−0.8)      R ← β R + (1 − β) mean_rows(g² + 1e-30)      C likewise by columns
/// u = g / √(R Cᵀ / mean(R))      θ ← θ − η λ θ − η u / max(1, rms(u))
/// ```
///
/// Vectors keep whole second moments. This is `optim: adafactor` of transformers: no first moment, no
/// relative steps, no scaling by the weights' size.
public final class Adafactor extends Optimizer {
    private static final double DECAY = -0.8;
    private static final double TINY = 1e-30;

    private final Map<Parameter, Moments> moments = new LinkedHashMap<>();

    /// What a weight remembers: R [rows] and C [columns] of a matrix, or the whole second moment of a vector;
    /// and the f32 master where the weight is of another type.
    private record Moments(Group group, String name, Optional<Tensor> master, Tensor row, Optional<Tensor> column) {}

    Adafactor(Iterable<Parameter> parameters, OptimizerSettings settings, LayerRates rates) {
        super(parameters, settings, rates);
        for (Group group : groups()) {
            for (Parameter parameter : group.flat().parameters()) {
                moments.put(parameter, fresh(group, parameter));
            }
        }
    }

    private static Moments fresh(Group group, Parameter parameter) {
        Tensor value = parameter.value();
        try (Scope scope = Scope.open()) {
            return new Moments(
                    group,
                    parameter.name(),
                    value.dtype() == DType.F32
                            ? Optional.empty()
                            : Optional.of(value.to(DType.F32).detachFromScope()),
                    Tensor.zeros(DType.F32, value.device(), value.size(0)).detachFromScope(),
                    value.rank() < 2
                            ? Optional.empty()
                            : Optional.of(Tensor.zeros(DType.F32, value.device(), value.size(1))
                                    .detachFromScope()));
        }
    }

    @Override
    void update(Group group, double learningRate, double clip, long step) {
        double beta = 1 - Math.pow(step, DECAY);
        for (Parameter parameter : group.flat().parameters()) {
            try (Scope scope = Scope.open()) {
                Moments m = Objects.requireNonNull(moments.get(parameter));
                Tensor g = group.flat().gradient(parameter).mul(clip);
                Tensor u = g.mul(inverseRoot(m, g.square().add(TINY), beta));
                double rms = Math.sqrt(u.square().mean().item());
                Tensor target = m.master().orElse(parameter.value());
                target.mulInPlace(1 - learningRate * group.weightDecay());
                target.addInPlace(u, -learningRate / Math.max(1, rms));
                m.master().ifPresent(master -> parameter.value().copyInPlace(master));
            }
        }
    }

    /// Updates the second moments and gives `1 / √v` of each element.
    private static Tensor inverseRoot(Moments m, Tensor squares, double beta) {
        if (m.column().isEmpty()) {
            m.row().mulInPlace(beta).addInPlace(squares, 1 - beta);
            return m.row().rsqrt();
        }
        Tensor column = m.column().get();
        m.row().mulInPlace(beta).addInPlace(squares.mean(1), 1 - beta);
        column.mulInPlace(beta).addInPlace(squares.mean(0), 1 - beta);
        Tensor rows = m.row().div(m.row().mean()).rsqrt().unsqueeze(1);
        return rows.mul(column.rsqrt().unsqueeze(0));
    }

    @Override
    public Map<Parameter, Tensor> masters() {
        Map<Parameter, Tensor> masters = new LinkedHashMap<>();
        moments.forEach((parameter, m) -> masters.put(parameter, m.master().orElse(parameter.value())));
        return masters;
    }

    @Override
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        groups().stream()
                .filter(g -> g.flat().weights().dtype() == DType.F32)
                .forEach(g -> state.put(g.name() + ".master", g.flat().weights()));
        moments.values().forEach(m -> {
            m.master().ifPresent(master -> state.put(m.name() + ".master", master));
            state.put(m.name() + (m.column().isPresent() ? ".exp_avg_sq_row" : ".exp_avg_sq"), m.row());
            m.column().ifPresent(column -> state.put(m.name() + ".exp_avg_sq_col", column));
        });
        return state;
    }

    @Override
    void restored() {
        moments.forEach((parameter, m) ->
                m.master().ifPresent(master -> parameter.value().copyInPlace(master)));
    }

    @Override
    public void close() {
        moments.values().forEach(m -> {
            m.master().ifPresent(Tensor::close);
            m.row().close();
            m.column().ifPresent(Tensor::close);
        });
        super.close();
    }
}
