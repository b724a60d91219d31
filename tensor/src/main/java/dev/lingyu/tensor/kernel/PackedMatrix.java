package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/// A weight matrix W [out × in] of 16 bits, laid out so that a product with few rows reads it once, in one
/// straight stream per thread.
///
/// Outputs come in panels of 64; a panel holds, for each pair of neighbouring inputs, the 64 outputs' pairs:
/// `[out/64][in/2][64][2]`. So a vector's lanes are outputs, x is broadcast, and nothing is summed across
/// lanes. The last panel is filled up with zeros. (oneDNN calls this layout `BA16a64b2a`.)
public final class PackedMatrix implements AutoCloseable {
    /// Outputs of a panel.
    static final int PANEL = 64;
    /// How many rows of x a kernel takes at once.
    private static final int ROWS = 4;
    /// Above so many rows libtorch's product is faster: measured with `bench decode`, see
    /// docs/benchmarks/decode.md.
    public static final int MAX_ROWS = 16;

    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final Tensor panels;
    private final DType dtype;
    private final long out;
    private final long in;

    private PackedMatrix(Tensor panels, DType dtype, long out, long in) {
        this.panels = panels;
        this.dtype = dtype;
        this.out = out;
        this.in = in;
    }

    /// Whether [#of] takes a matrix.
    public static boolean fits(Tensor weight) {
        return weight.rank() == 2
                && weight.device().equals(Device.CPU)
                && (weight.dtype() == DType.BF16 || weight.dtype() == DType.F16)
                && weight.isContiguous()
                && weight.size(1) % 2 == 0;
    }

    /// Copies a matrix into panels.
    ///
    /// @param weight bf16 or f16 [out × in] on the CPU, contiguous, `in` even
    public static PackedMatrix of(Tensor weight) {
        if (!fits(weight)) {
            throw new IllegalArgumentException(
                    "Expected a contiguous bf16 or f16 matrix with an even number of columns on the CPU; found "
                            + weight + ".");
        }
        long out = weight.size(0);
        long in = weight.size(1);
        long count = (out + PANEL - 1) / PANEL;
        Tensor panels =
                Tensor.empty(DType.I32, Device.CPU, count, in / 2, PANEL).detachFromScope();
        long from = weight.address();
        long to = panels.address();
        Workers.shared().run((part, parts) -> {
            for (long panel = count * part / parts; panel < count * (part + 1) / parts; panel++) {
                pack(
                        from + 2 * in * PANEL * panel,
                        Math.min(PANEL, out - PANEL * panel),
                        in / 2,
                        to + 128 * in * panel);
            }
        });
        return new PackedMatrix(panels, weight.dtype(), out, in);
    }

    /// @param rows outputs that there are; the rest of the panel becomes zero
    private static void pack(long from, long rows, long pairs, long to) {
        for (long row = 0; row < PANEL; row++) {
            for (long pair = 0; pair < pairs; pair++) {
                int bits = row < rows ? MEMORY.get(INT, from + 4 * (pairs * row + pair)) : 0;
                MEMORY.set(INT, to + 4 * (PANEL * pair + row), bits);
            }
        }
    }

    /// Bytes held.
    public long byteCount() {
        return panels.byteCount();
    }

    /// `x · Wᵀ + bias`, added up in f32 in the order of the inputs, so a row's result does not depend on the
    /// rows beside it.
    ///
    /// @param x    [rows × in] in the matrix's type, contiguous
    /// @param bias [out]
    /// @return [rows × out] in x's type
    public Tensor multiply(Tensor x, Optional<Tensor> bias) {
        if (x.rank() != 2 || x.size(1) != in || x.dtype() != dtype) {
            throw new IllegalArgumentException("Expected " + dtype + " rows of " + in + " inputs; found " + x + ".");
        }
        return Scope.compute(() -> {
            int rows = Math.toIntExact(x.size(0));
            int padded = rows == 1 ? 1 : (rows + ROWS - 1) / ROWS * ROWS;
            Tensor wide = Tensor.empty(DType.F32, Device.CPU, padded, in);
            wide.narrow(0, 0, rows).copyInPlace(x);
            if (padded > rows) {
                wide.narrow(0, rows, padded - rows).zeroInPlace();
            }
            if (dtype == DType.F16) {
                wide.mulInPlace(HalfPanels.HALF_SCALE);
            }
            Tensor y = Tensor.empty(DType.F32, Device.CPU, rows, out);
            run(wide, padded, y, rows);
            return (bias.isPresent() ? y.addInPlace(bias.get()) : y).to(dtype);
        });
    }

    private void run(Tensor x, int padded, Tensor y, int rows) {
        long w = panels.address();
        long from = x.address();
        long to = y.address();
        long count = panels.size(0);
        int step = Math.min(padded, ROWS);
        try (Scope scope = Scope.open()) {
            int threads = Workers.shared().threads();
            long scratch =
                    Tensor.empty(DType.F32, Device.CPU, threads, ROWS, PANEL).address();
            Workers.shared().run((part, parts) -> {
                long own = scratch + 4L * ROWS * PANEL * part;
                for (long panel = count * part / parts; panel < count * (part + 1) / parts; panel++) {
                    for (int row = 0; row < rows; row += step) {
                        HalfPanels.multiply(
                                dtype == DType.F16, w + 128 * in * panel, in, from + 4 * in * row, step, own);
                        store(own, to, panel, row, Math.min(step, rows - row));
                    }
                }
            });
        }
    }

    private void store(long from, long to, long panel, int firstRow, int rows) {
        long valid = Math.min(PANEL, out - PANEL * panel);
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(
                    MEMORY,
                    FLOAT,
                    from + 4L * PANEL * row,
                    MEMORY,
                    FLOAT,
                    to + 4 * (out * (firstRow + row) + PANEL * panel),
                    valid);
        }
    }

    @Override
    public void close() {
        panels.close();
    }
}
