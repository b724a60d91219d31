package dev.lingyu.model.pickle;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.TensorException;
import java.util.Arrays;

/// A tensor as a pickle describes it: a strided view of a storage that lies elsewhere in the file.
///
/// @param storage which storage
/// @param offset  elements before the first
/// @param shape   sizes
/// @param strides elements between neighbours of each dimension
record StoredTensor(Storage storage, long offset, long[] shape, long[] strides) {
    /// A flat run of elements.
    ///
    /// @param key   its name in the container
    /// @param count elements
    record Storage(DType dtype, String key, long count) {}

    StoredTensor {
        if (shape.length != strides.length || offset < 0 || !fits(storage.count(), offset, shape, strides)) {
            throw new TensorException("a tensor of shape " + Arrays.toString(shape) + " with strides "
                    + Arrays.toString(strides) + " from element " + offset + " does not lie within its storage of "
                    + storage.count() + " elements");
        }
    }

    private static boolean fits(long count, long offset, long[] shape, long[] strides) {
        try {
            long last = offset;
            long elements = 1;
            for (int d = 0; d < shape.length; d++) {
                if (shape[d] < 0 || strides[d] < 0) {
                    return false;
                }
                elements = Math.multiplyExact(elements, shape[d]);
                last = Math.addExact(last, Math.multiplyExact(Math.max(0, shape[d] - 1), strides[d]));
            }
            // Strides of 0 could blow a few bytes up to any size.
            return elements == 0 || last < count && elements <= count;
        } catch (ArithmeticException e) {
            return false;
        }
    }

    boolean isContiguous() {
        long step = 1;
        for (int d = shape.length; d-- > 0; ) {
            if (shape[d] != 1 && strides[d] != step) {
                return false;
            }
            step *= shape[d];
        }
        return true;
    }
}
