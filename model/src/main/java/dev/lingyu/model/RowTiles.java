package dev.lingyu.model;

import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// How many rows (tokens) the layers of a decoder take at once: all there are, or always the same number.
///
/// Matrix products of 16 bits choose their kernel, and so the order in which they add, by the number of rows;
/// what a token gets then depends on what else is in the batch. Tiles of one size, the last one filled up
/// with zeros, give each row the same arithmetic whatever stands beside it. Attention needs none: it looks at
/// each sequence by itself.
///
/// @param rows rows of a tile; 0 for all rows at once
public record RowTiles(int rows) {
    /// All rows at once: the fast way.
    public static final RowTiles NONE = new RowTiles(0);

    /// The same number of rows always.
    public static final RowTiles FIXED = new RowTiles(16);

    /// One tensor in, one out.
    ///
    /// @param x     [rows × …]
    /// @param layer for each row by itself
    Tensor map(Tensor x, Function<Tensor, Tensor> layer) {
        return rows == 0
                ? layer.apply(x)
                : mapAll(List.of(x), in -> List.of(layer.apply(in.getFirst()))).getFirst();
    }

    /// Several tensors of equally many rows in, several out.
    List<Tensor> mapAll(List<Tensor> inputs, Function<List<Tensor>, List<Tensor>> layer) {
        if (rows == 0) {
            return layer.apply(inputs);
        }
        long total = inputs.getFirst().size(0);
        List<List<Tensor>> pieces = new ArrayList<>();
        for (long at = 0; at < total; at += rows) {
            long begin = at;
            long count = Math.min(rows, total - at);
            List<Tensor> outputs = layer.apply(
                    inputs.stream().map(x -> filled(x.narrow(0, begin, count))).toList());
            for (int i = 0; i < outputs.size(); i++) {
                if (pieces.size() == i) {
                    pieces.add(new ArrayList<>());
                }
                pieces.get(i).add(outputs.get(i).narrow(0, 0, count));
            }
        }
        return pieces.stream()
                .map(list -> list.size() == 1 ? list.getFirst() : Tensor.cat(list, 0))
                .toList();
    }

    private Tensor filled(Tensor x) {
        long[] missing = x.shape();
        missing[0] = rows - missing[0];
        return missing[0] == 0 ? x : Tensor.cat(List.of(x, Tensor.zeros(x.dtype(), x.device(), missing)), 0);
    }
}
