package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Tensor;

/// Where dropout takes its masks from (Srivastava et al. 2014): each is a function of the seed, the number
/// of the training pass and the place, so that a block that runs twice in one pass (to save memory) drops
/// the same, and a resumed run goes on with the masks of the uninterrupted one.
///
/// A pass that is recorded for differentiation counts as training; in all others nothing is dropped.
public final class DropoutMasks {
    private static final long NONE = -1;

    private long seed;
    private long passes;
    private long current = NONE;
    private boolean enabled = true;

    DropoutMasks() {}

    /// Sets the seed; equal seeds give equal masks.
    public void seed(long newSeed) {
        seed = newSeed;
    }

    /// Says whether anything is ever dropped; reinforcement learning wants nothing dropped even while it
    /// trains.
    public void enabled(boolean yes) {
        enabled = yes;
    }

    /// Training passes begun so far: what a checkpoint must hold to go on exactly.
    public long passes() {
        return passes;
    }

    /// Goes on after so many passes.
    public void restore(long count) {
        passes = count;
    }

    /// The number of a pass that begins; `NONE` where nothing is recorded.
    long begin() {
        return enabled && Autograd.isRecording() ? passes++ : NONE;
    }

    /// Makes a pass the current one for a while.
    During during(long pass) {
        return during(pass, 0);
    }

    /// The same for some of the rows of a place that takes them in turns.
    ///
    /// @param chunk a number for those rows, from 0
    During during(long pass, int chunk) {
        long before = current;
        current = pass == NONE ? NONE : pass + ((long) chunk << 40);
        return () -> current = before;
    }

    /// A stretch of computation within a pass.
    interface During extends AutoCloseable {
        @Override
        void close();
    }

    /// `x · mask / (1 − p)` within a training pass, else x itself.
    ///
    /// @param place a number for each place where dropout happens
    Tensor apply(Tensor x, double p, int place) {
        if (!drops(p)) {
            return x;
        }
        try (Generator generator = Generator.seeded(mix(mix(seed) ^ mix(current + 1) ^ mix(~(long) place)))) {
            Tensor mask;
            try (Autograd.Mode off = Autograd.off()) {
                mask = Tensor.empty(DType.F32, Device.CPU, x.shape())
                        .bernoulliInPlace(1 - p, generator)
                        .mulInPlace(1 / (1 - p))
                        .to(x.dtype())
                        .to(x.device());
            }
            return x.mul(mask);
        }
    }

    /// Whether anything is dropped now.
    boolean drops(double p) {
        return p > 0 && current != NONE;
    }

    /// Spreads the bits of a number (Steele et al. 2014, SplitMix64).
    private static long mix(long x) {
        long z = x + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
