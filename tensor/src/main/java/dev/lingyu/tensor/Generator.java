package dev.lingyu.tensor;

import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.global.torch;

/// A seeded source of random numbers on the CPU (libtorch's Mersenne Twister) whose state can be saved and put
/// back.
public final class Generator implements AutoCloseable {
    private final org.bytedeco.pytorch.Generator handle;

    private Generator(long seed) {
        handle = torch.make_generator_cpu(seed);
    }

    /// A generator that starts from a seed.
    public static Generator seeded(long seed) {
        return new Generator(seed);
    }

    /// The whole state (about 5 kB): a generator restored to it draws the same numbers again.
    public byte[] state() {
        try (org.bytedeco.pytorch.Tensor state = handle.get_state()) {
            byte[] bytes = new byte[Math.toIntExact(state.numel())];
            try (org.bytedeco.javacpp.BytePointer memory = new org.bytedeco.javacpp.BytePointer(state.data_ptr())) {
                memory.get(bytes);
            }
            return bytes;
        }
    }

    /// Goes back to a state that [#state()] returned.
    public void restore(byte[] state) {
        try (Scope scope = Scope.open()) {
            Tensor tensor = Tensor.zeros(DType.U8, state.length);
            tensor.bytes().copyFrom(java.lang.foreign.MemorySegment.ofArray(state));
            handle.set_state(tensor.handle());
        }
    }

    GeneratorOptional optional() {
        return new GeneratorOptional(handle);
    }

    @Override
    public void close() {
        handle.close();
    }
}
