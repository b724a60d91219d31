package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// LoRA on an embedding: row i becomes `W[i] + s · B A[:, i]`; with a magnitude, DoRA, whose norms are those of the
/// table's columns. Nothing is dropped here, as in PEFT.
final class LoraTable implements TableAdapter {
    private final Parameter a;
    private final Parameter b;
    private final Optional<Parameter> magnitude;
    private final double scale;

    /// @param a         A [r × rows]
    /// @param b         B [hidden × r]
    /// @param magnitude DoRA's m [hidden]
    LoraTable(Parameter a, Parameter b, Optional<Parameter> magnitude, double scale) {
        this.a = a;
        this.b = b;
        this.magnitude = magnitude;
        this.scale = scale;
    }

    @Override
    public Tensor output(Table table, int[] ids, Tensor rows) {
        Tensor chosen = a.value()
                .transpose(0, 1)
                .indexSelect(0, Tensor.of(ids, ids.length).to(rows.device()));
        Tensor delta = Functional.linear(chosen.to(rows.dtype()), b.value().to(rows.dtype()), Optional.empty())
                .mul(scale);
        if (magnitude.isEmpty()) {
            return rows.add(delta);
        }
        Tensor ratio = magnitude.get().value().div(norm(table)).to(rows.dtype());
        return rows.add(delta).mul(ratio);
    }

    /// `‖W + s·(BA)ᵀ‖` of each column [hidden], f32; a constant to differentiation.
    private Tensor norm(Table table) {
        return Scope.compute(() -> {
            try (Autograd.Mode off = Autograd.off()) {
                return columnNorms(sum(table.weight().value().to(DType.F32)));
            }
        });
    }

    static Tensor columnNorms(Tensor weight) {
        return weight.square().sum(0).sqrt();
    }

    private Tensor sum(Tensor weight) {
        return weight.add(b.value().matmul(a.value()).transpose(0, 1).mul(scale));
    }

    @Override
    public Tensor mergedWeight(Tensor weight) {
        Tensor sum = sum(weight);
        return magnitude.isEmpty() ? sum : sum.mul(magnitude.get().value().div(columnNorms(sum)));
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>(List.of(a, b));
        magnitude.ifPresent(all::add);
        return all;
    }
}
