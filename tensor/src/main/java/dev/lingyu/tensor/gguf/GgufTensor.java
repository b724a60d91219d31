package dev.lingyu.tensor.gguf;

import java.util.Arrays;

/// What a GGUF file says about one tensor.
///
/// @param name      such as `blk.0.attn_q.weight`
/// @param type      how its values are stored
/// @param shape     slowest dimension first, as everywhere in this program (files list the fastest first)
/// @param offset    its first byte in the file
/// @param byteCount how many bytes it has
public record GgufTensor(String name, GgufType type, long[] shape, long offset, long byteCount) {
    /// Values in a row, the fastest dimension.
    public long columns() {
        return shape[shape.length - 1];
    }

    /// How many rows there are.
    public long rows() {
        long rows = 1;
        for (int i = 0; i < shape.length - 1; i++) {
            rows *= shape[i];
        }
        return rows;
    }

    /// How many values there are.
    public long count() {
        return rows() * columns();
    }

    @Override
    public String toString() {
        return name + " " + type + " " + Arrays.toString(shape);
    }
}
