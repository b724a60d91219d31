package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Memory that a kernel needs while it runs, kept from one call to the next: asking libtorch for it costs more than
/// some kernels take.
///
/// Each thread has one piece, which belongs to the kernel that asked last. So a kernel asks once, and no other one
/// begins on its thread before it is done.
final class Scratch {
    /// Bytes that a thread keeps at most.
    private static final long KEPT = 4 << 20;

    private static final long ALIGNMENT = 64;
    private static final ThreadLocal<Scratch> OWN = ThreadLocal.withInitial(Scratch::new);

    private MemorySegment memory = MemorySegment.NULL;

    private Scratch() {}

    /// Room that the kernel's other threads may use too. Call it inside a scope, which frees what is too large to be
    /// kept.
    ///
    /// @param floats how many f32 there must be room for; what they hold is left over from others
    static long address(long floats) {
        long bytes = 4 * floats;
        if (bytes > KEPT) {
            return Tensor.empty(DType.F32, Device.CPU, floats).address();
        }
        Scratch own = OWN.get();
        if (own.memory.byteSize() < bytes) {
            // Freed with this object, when its thread has ended.
            own.memory = Arena.ofAuto().allocate(Math.max(1 << 16, 2 * Long.highestOneBit(bytes)), ALIGNMENT);
        }
        return own.memory.address();
    }
}
