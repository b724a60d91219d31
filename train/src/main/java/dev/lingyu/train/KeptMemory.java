package dev.lingyu.train;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;

/// Memory for large intermediate results that every step needs again.
///
/// Fresh memory costs more than its use: a system hands it out page by page, each cleared first.
final class KeptMemory implements AutoCloseable {
    private final Map<Purpose, Tensor> kept = new HashMap<>();

    private record Purpose(String name, DType dtype, Device device) {}

    /// A contiguous matrix with arbitrary values, valid until the same purpose is asked for again.
    ///
    /// @param purpose who needs it
    /// @param like    gives type and device
    Tensor matrix(String purpose, Tensor like, long rows, long columns) {
        Purpose key = new Purpose(purpose, like.dtype(), like.device());
        Tensor memory = kept.get(key);
        if (memory == null || memory.count() < rows * columns) {
            if (memory != null) {
                memory.close();
            }
            memory = Tensor.empty(like.dtype(), like.device(), rows * columns).detachFromScope();
            kept.put(key, memory);
        }
        return memory.narrow(0, 0, rows * columns).view(rows, columns);
    }

    @Override
    public void close() {
        kept.values().forEach(Tensor::close);
        kept.clear();
    }
}
