package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/// A weight matrix W [out × in] of 16 bits, laid out so that a product reads it once, in one straight stream per
/// thread.
///
/// Outputs come in panels of 64; a panel holds, for each pair of neighbouring inputs, the 64 outputs' pairs:
/// `[out/64][in/2][64][2]`. So a vector's lanes are outputs, x is broadcast, and nothing is summed across
/// lanes. The last panel is filled up with zeros. (oneDNN calls this layout `BA16a64b2a`.)
public final class PackedMatrix extends PanelMatrix {
    /// Outputs of a panel.
    static final int PANEL = 64;
    /// Above so many rows libtorch's product is faster where oneDNN does not take panels (docs/benchmarks/decode.md).
    private static final int MAX_ROWS = 16;

    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    private final Tensor panels;
    private final DType dtype;

    private PackedMatrix(Tensor panels, DType dtype, long out, long in) {
        super(out, in);
        this.panels = panels;
        this.dtype = dtype;
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

    /// Where the panels are.
    long address() {
        return panels.address();
    }

    /// Bytes held.
    @Override
    public long byteCount() {
        return panels.byteCount();
    }

    /// Whether [#multiply] is the fast way for so many rows: few go to kernels that read weights once, more to
    /// oneDNN where it multiplies panels; else libtorch's product of the plain matrix is faster.
    @Override
    public boolean takes(long rows) {
        return rows <= MAX_ROWS || byOneDnn(rows);
    }

    private boolean byOneDnn(long rows) {
        return rows > RowProduct.ROWS && dtype == DType.BF16 && PanelMatmul.takes(in);
    }

    @Override
    void check(Tensor x) {
        if (x.rank() != 2 || x.size(1) != in || x.dtype() != dtype) {
            throw new IllegalArgumentException("Expected " + dtype + " rows of " + in + " inputs; found " + x + ".");
        }
    }

    @Override
    boolean byRow(Tensor x) {
        return !byOneDnn(x.size(0));
    }

    @Override
    float scale() {
        return dtype == DType.F16 ? HalfPanels.HALF_SCALE : 1;
    }

    @Override
    long sums() {
        return 0;
    }

    @Override
    void prepare(RowProduct product) {}

    @Override
    RowProduct.Kernel kernel(RowProduct product) {
        boolean half = dtype == DType.F16;
        long w = panels.address();
        long x = product.address();
        return (panel, row, rows, tile) ->
                HalfPanels.multiply(half, w + 128 * in * panel, in, x + 4 * in * row, rows, tile);
    }

    @Override
    void multiplyMany(Tensor x, Optional<Tensor> bias, Tensor y) {
        long b = bias.isPresent() ? bias.get().address() : 0;
        PanelMatmul.multiply(x.address(), x.size(0), in, panels.address(), out, b, y.address());
    }

    @Override
    public void close() {
        panels.close();
    }
}
