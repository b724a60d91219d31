package dev.lingyu.model;

import dev.lingyu.tensor.Tensor;
import java.util.List;

/// What an adapter does to one embedding.
interface TableAdapter {
    /// The adapted rows.
    ///
    /// @param table the embedding
    /// @param ids   which rows
    /// @param rows  what they are so far [ids × hidden]
    Tensor output(Table table, int[] ids, Tensor rows);

    /// The weight of a plain embedding that gives the same.
    ///
    /// @param weight f32 [rows × hidden]
    Tensor mergedWeight(Tensor weight);

    /// What it learns.
    List<Parameter> parameters();
}
