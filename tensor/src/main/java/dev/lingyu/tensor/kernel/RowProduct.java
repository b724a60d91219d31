package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/// What products of few rows with panels of weights have in common: rows are widened to f32, panels are shared out
/// among [Workers], results are rounded with their bias. Make it inside a scope, which frees its memory where that is
/// too much to be kept.
final class RowProduct {
    /// Rows that a kernel takes at once.
    static final int ROWS = 4;

    private static final int PANEL = PackedMatrix.PANEL;
    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final DType dtype;
    private final int rows;
    private final int step;
    private final int padded;
    private final long in;
    private final long wide;
    private final long tiles;
    private final List<Target> targets = new ArrayList<>();
    private long panels;

    /// Multiplies one panel.
    @FunctionalInterface
    interface Kernel {
        /// @param panel which one
        /// @param row   the first row of x
        /// @param rows  how many: 1 or 4
        /// @param tile  address of f32 [rows × 64], to write
        void multiply(long panel, int row, int rows, long tile);
    }

    /// One of the matrices.
    ///
    /// @param first its first panel among those of all matrices
    /// @param bias  address of [out], or 0 for none
    /// @param y     address of [rows × out]
    private record Target(Kernel kernel, long first, long out, long bias, long y) {}

    /// Widens the rows.
    ///
    /// @param x      [rows × in], contiguous
    /// @param factor what x is multiplied by
    /// @param more   f32 that the caller needs for each of [#paddedRows]
    RowProduct(Tensor x, long in, float factor, long more) {
        this.dtype = x.dtype();
        this.rows = Math.toIntExact(x.size(0));
        this.step = rows == 1 ? 1 : ROWS;
        this.padded = (rows + step - 1) / step * step;
        this.in = in;
        int threads = Workers.shared().threads();
        wide = Scratch.address(padded * (in + more) + (long) threads * ROWS * PANEL);
        tiles = wide + 4 * padded * (in + more);
        NarrowRows.widen(dtype, x.address(), rows * in, factor, wide);
        if (rows < padded) {
            MEMORY.asSlice(wide + 4 * rows * in, 4 * (padded - rows) * in).fill((byte) 0);
        }
    }

    /// Where the rows are as f32 [padded rows × in].
    long address() {
        return wide;
    }

    /// Where the caller's own memory is.
    long more() {
        return wide + 4 * padded * in;
    }

    /// Rows with those of zeros that fill up a kernel's last call.
    int paddedRows() {
        return padded;
    }

    /// Another matrix to multiply by.
    ///
    /// @param bias [out] in x's type
    /// @param y    [rows × out] in x's type, contiguous, to write
    void add(Kernel kernel, long out, Optional<Tensor> bias, Tensor y) {
        long b = bias.isPresent() ? bias.get().address() : 0;
        targets.add(new Target(kernel, panels, out, b, y.address()));
        panels += (out + PANEL - 1) / PANEL;
    }

    /// Multiplies all panels. A worker takes the next one when it is done with another, so that one which woke late
    /// keeps nobody waiting.
    void run() {
        AtomicLong next = new AtomicLong();
        Workers.shared().run((part, parts) -> {
            long tile = tiles + 4L * ROWS * PANEL * part;
            for (long panel = next.getAndIncrement(); panel < panels; panel = next.getAndIncrement()) {
                int target = targets.size() - 1;
                while (targets.get(target).first() > panel) {
                    target--;
                }
                multiply(targets.get(target), panel - targets.get(target).first(), tile);
            }
        });
    }

    private void multiply(Target target, long panel, long tile) {
        long bytes = dtype.byteSize();
        long first = PANEL * panel;
        long valid = Math.min(PANEL, target.out() - first);
        for (int row = 0; row < rows; row += step) {
            target.kernel().multiply(panel, row, step, tile);
            for (int i = 0; i < Math.min(step, rows - row); i++) {
                NarrowRows.round(
                        dtype,
                        tile + 4L * PANEL * i,
                        valid,
                        target.bias() == 0 ? 0 : target.bias() + bytes * first,
                        target.y() + bytes * (target.out() * (row + i) + first));
            }
        }
    }
}
