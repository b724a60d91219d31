package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
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
public final class PackedMatrix implements PanelMatrix {
    /// Outputs of a panel.
    static final int PANEL = 64;
    /// How many rows of x a kernel takes at once.
    private static final int ROWS = RowProduct.ROWS;
    /// Above so many rows libtorch's product is faster where oneDNN does not take panels (docs/benchmarks/decode.md).
    private static final int MAX_ROWS = 16;

    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

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
        return rows > ROWS && dtype == DType.BF16 && PanelMatmul.takes(in);
    }

    /// `x · Wᵀ + bias`, added up in f32. Up to 4 rows are added up in the order of the inputs.
    ///
    /// @param x    [rows × in] in the matrix's type, features without gaps
    /// @param bias [out] in the matrix's type
    /// @return [rows × out] in x's type
    @Override
    public Tensor multiply(Tensor x, Optional<Tensor> bias) {
        if (x.rank() != 2 || x.size(1) != in || x.dtype() != dtype) {
            throw new IllegalArgumentException("Expected " + dtype + " rows of " + in + " inputs; found " + x + ".");
        }
        return Scope.compute(() -> {
            Tensor y = Tensor.empty(dtype, Device.CPU, x.size(0), out);
            if (byOneDnn(x.size(0))) {
                long b = bias.isPresent() ? bias.get().address() : 0;
                PanelMatmul.multiply(x.contiguous().address(), x.size(0), in, panels.address(), out, b, y.address());
            } else {
                byRow(x.contiguous(), bias, y);
            }
            return y;
        });
    }

    private void byRow(Tensor x, Optional<Tensor> bias, Tensor y) {
        boolean half = dtype == DType.F16;
        try (Scope scope = Scope.open()) {
            RowProduct product = new RowProduct(x, in, out, bias, y, half ? HalfPanels.HALF_SCALE : 1, 0);
            product.run((panel, row, rows, tile) -> HalfPanels.multiply(
                    half, panels.address() + 128 * in * panel, in, product.address() + 4 * in * row, rows, tile));
        }
    }

    @Override
    public void close() {
        panels.close();
    }
}
