package dev.lingyu.model;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.Arrays;
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

    static RotaryAngles of(Position.Rope rope, int[] positions, DType dtype, Device device) {
        int longest = Arrays.stream(positions).max().orElse(0) + 1;
        double[] frequencies = rope.scaling().inverseFrequencies(rope.theta(), rope.dimensions(), longest);
        float[] cos = new float[positions.length * frequencies.length];
        float[] sin = new float[cos.length];
        for (int t = 0; t < positions.length; t++) {
            for (int i = 0; i < frequencies.length; i++) {
                float angle = (float) positions[t] * (float) frequencies[i];
                cos[t * frequencies.length + i] = (float) Math.cos(angle);
                sin[t * frequencies.length + i] = (float) Math.sin(angle);
            }
        }
        try (Scope scope = Scope.open()) {
            long[] shape = {positions.length, 1, frequencies.length};
            return new RotaryAngles(
                    rope,
                    scope.keep(Tensor.of(cos, shape).to(dtype).to(device)),
                    scope.keep(Tensor.of(sin, shape).to(dtype).to(device)));
        }
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
