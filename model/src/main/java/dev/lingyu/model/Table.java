package dev.lingyu.model;

import dev.lingyu.tensor.Tensor;
import java.util.List;

/// An embedding: one learned row for each token or position. The place where adapters to it are attached.
final class Table {
    private final Slot weight;
    private List<TableAdapter> adapters = List.of();

    Table(Slot weight) {
        this.weight = weight;
    }

    /// The rows [rows × hidden].
    Parameter weight() {
        return weight.get();
    }

    Slot weightSlot() {
        return weight;
    }

    /// The module's name in Hugging Face files, such as `model.embed_tokens`.
    String name() {
        return Linear.moduleOf(weight.own());
    }

    /// Puts adapters in place, instead of those that were there.
    void adapt(List<TableAdapter> inOrder) {
        adapters = List.copyOf(inOrder);
    }

    /// The adapters in place.
    List<TableAdapter> adapters() {
        return adapters;
    }

    /// Looks rows up [ids × hidden].
    Tensor rows(int[] ids) {
        Tensor rows = weight.get().rows(ids);
        for (TableAdapter adapter : adapters) {
            rows = adapter.output(this, ids, rows);
        }
        return rows;
    }
}
