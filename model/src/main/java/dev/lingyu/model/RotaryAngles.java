package dev.lingyu.model;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.RotaryKernel;
import java.util.List;

/// The cosines and sines by which rotary position embedding turns the tokens of one batch.
///
/// `(x₁, x₂) → (x₁ cos − x₂ sin, x₂ cos + x₁ sin)` with the angle `position · frequency` (Su et al. 2021, eq.
/// 34).
final class RotaryAngles implements AutoCloseable {
    private final Position.Rope rope;
    private final Tensor cos;
    private final Tensor sin;

    private RotaryAngles(Position.Rope rope, Tensor cos, Tensor sin) {
        this.rope = rope;
        this.cos = cos.detachFromScope();
        this.sin = sin.detachFromScope();
    }

    /// The angles of a batch. Where the scaling depends on the length of the text, each sequence has its own.
    static RotaryAngles of(Position.Rope rope, TokenBatch batch, DType dtype, Device device) {
        int[] positions = batch.positions();
        int half = rope.dimensions() / 2;
        float[] cos = new float[positions.length * half];
        float[] sin = new float[cos.length];
        int row = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            int length = batch.starts()[s] + batch.lengths()[s];
            double[] frequencies = rope.scaling().inverseFrequencies(rope.theta(), rope.dimensions(), length);
            for (int end = row + batch.lengths()[s]; row < end; row++) {
                for (int i = 0; i < half; i++) {
                    float angle = (float) positions[row] * (float) frequencies[i];
                    cos[row * half + i] = (float) Math.cos(angle);
                    sin[row * half + i] = (float) Math.sin(angle);
                }
            }
        }
        try (Scope scope = Scope.open()) {
            long[] shape = {positions.length, 1, half};
            return new RotaryAngles(
                    rope,
                    scope.keep(Tensor.of(cos, shape).to(dtype).to(device)),
                    scope.keep(Tensor.of(sin, shape).to(dtype).to(device)));
        }
    }

    /// The same as [#turn] for a pass that nothing records: in place, by a kernel where there is one.
    Tensor turnInPlace(Tensor x) {
        if (!RotaryKernel.takes(x)) {
            return turn(x);
        }
        RotaryKernel.turn(x, cos, sin, rope.interleaved());
        return x;
    }

    /// Turns the first features of every head.
    ///
    /// @param x [tokens × heads × headSize]
    Tensor turn(Tensor x) {
        long size = x.size(2);
        long half = rope.dimensions() / 2;
        boolean partial = rope.dimensions() < size;
        Tensor turning = partial ? x.narrow(2, 0, rope.dimensions()) : x;
        Tensor turned;
        if (rope.interleaved()) {
            Tensor pairs = turning.reshape(x.size(0), x.size(1), half, 2);
            Tensor a = pairs.select(3, 0);
            Tensor b = pairs.select(3, 1);
            turned = Tensor.stack(List.of(first(a, b), second(a, b)), 3)
                    .reshape(x.size(0), x.size(1), rope.dimensions());
        } else {
            Tensor a = turning.narrow(2, 0, half);
            Tensor b = turning.narrow(2, half, half);
            turned = Tensor.cat(List.of(first(a, b), second(a, b)), 2);
        }
        return partial
                ? Tensor.cat(List.of(turned, x.narrow(2, rope.dimensions(), size - rope.dimensions())), 2)
                : turned;
    }

    private Tensor first(Tensor a, Tensor b) {
        return a.mul(cos).sub(b.mul(sin));
    }

    private Tensor second(Tensor a, Tensor b) {
        return b.mul(cos).add(a.mul(sin));
    }

    @Override
    public void close() {
        cos.close();
        sin.close();
    }
}
