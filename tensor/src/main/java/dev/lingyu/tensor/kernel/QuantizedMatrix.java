package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/// A weight matrix W [out × in] of 8 or 4 bits on the CPU, laid out so that a product reads it once, in one straight
/// stream per thread.
///
/// Outputs come in panels of 64, as in [PackedMatrix]; a panel holds for each group of 32 inputs the 64 outputs' scales
/// (f16), their offsets if [Quantization#asymmetric], then for every 4 neighbouring inputs the 64 outputs' numbers: 32
/// bits of 8-bit numbers or 16 bits of 4-bit ones, the first input lowest. Few rows multiply these as they are; for
/// more, weights are unpacked to bf16 on the way, a piece that fits a core's cache at a time.
public final class QuantizedMatrix extends PanelMatrix {
    /// Inputs that share a scale.
    public static final int GROUP = 32;

    private static final int PANEL = PackedMatrix.PANEL;
    /// Up to so many rows weights are multiplied as they are; for more, unpacking them costs less than a second pass.
    private static final int MAX_ROWS = RowProduct.ROWS;

    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    private final Quantization method;
    private final Tensor panels;
    private final long address;

    private QuantizedMatrix(Quantization method, long out, long in) {
        super(out, in);
        if (in % GROUP != 0 || in == 0) {
            throw new IllegalArgumentException(
                    "Groups are of " + GROUP + " inputs, of which " + in + " is no multiple.");
        }
        this.method = method;
        this.panels = Tensor.empty(DType.U8, Device.CPU, (out + PANEL - 1) / PANEL, panelBytes())
                .detachFromScope();
        this.address = panels.address();
    }

    private long panelBytes() {
        return in / GROUP * groupBytes();
    }

    private long header() {
        return method.asymmetric() ? 4 * PANEL : 2 * PANEL;
    }

    private long groupBytes() {
        return header() + (long) GROUP * PANEL * method.bits() / 8;
    }

    /// Whether a matrix can be rounded: two dimensions, rows of whole groups.
    public static boolean fits(long[] shape) {
        return shape.length == 2 && shape[1] > 0 && shape[1] % GROUP == 0;
    }

    /// Rounds a matrix.
    ///
    /// @param weight f32, bf16 or f16 [out × in] on the CPU, `in` a multiple of 32
    public static QuantizedMatrix of(Tensor weight, Quantization method) {
        QuantizedMatrix matrix = new QuantizedMatrix(method, weight.size(0), weight.size(1));
        try {
            matrix.eachPanel((panel, lanes) -> matrix.quantize(weight, panel, lanes));
            return matrix;
        } catch (RuntimeException e) {
            matrix.close();
            throw e;
        }
    }

    private void quantize(Tensor weight, long panel, int lanes) {
        float[] values;
        try (Scope scope = Scope.open()) {
            values = weight.narrow(0, PANEL * panel, lanes).contiguous().toFloats();
        }
        int[] numbers = new int[GROUP];
        for (int lane = 0; lane < lanes; lane++) {
            for (int group = 0; group < in / GROUP; group++) {
                int scales = method.round(values, Math.toIntExact(in) * lane + GROUP * group, numbers);
                put(panel, lane, group, scales, numbers);
            }
        }
    }

    /// Takes blocks as files hold them.
    ///
    /// @param blocks u8 [out × in/32 · block bytes]: for each group of a row its scale (f16), its offset if
    ///               asymmetric (f16), then 32 signed bytes (unsigned if asymmetric), or 16 bytes whose low halves
    ///               are the first 16 numbers
    public static QuantizedMatrix ofBlocks(Tensor blocks, Quantization method) {
        long in = blocks.size(1) / method.blockBytes() * GROUP;
        if (blocks.rank() != 2 || blocks.dtype() != DType.U8 || blocks.size(1) % method.blockBytes() != 0) {
            throw new IllegalArgumentException(
                    "Expected rows of blocks of " + method.blockBytes() + " bytes; found " + blocks + ".");
        }
        QuantizedMatrix matrix = new QuantizedMatrix(method, blocks.size(0), in);
        long from = blocks.address();
        long rowBytes = blocks.size(1);
        matrix.eachPanel((panel, lanes) -> {
            for (int group = 0; group < in / GROUP; group++) {
                long block = from + rowBytes * PANEL * panel + (long) method.blockBytes() * group;
                long to = matrix.group(panel, group);
                for (int lane = 0; lane < lanes; lane++) {
                    matrix.take(block + rowBytes * lane, to, lane);
                }
            }
        });
        return matrix;
    }

    /// Moves one row's block to its places in a group: four or eight numbers at a time, as a start reads all of a
    /// model.
    private void take(long block, long group, int lane) {
        long at = block + 2;
        MEMORY.set(SHORT, group + 2L * lane, MEMORY.get(SHORT, block));
        if (method.asymmetric()) {
            MEMORY.set(SHORT, group + 2L * (PANEL + lane), MEMORY.get(SHORT, at));
            at += 2;
        }
        long first = group + header();
        if (method.bits() == 8) {
            // Signed bytes become numbers from 0 on.
            int middle = method.asymmetric() ? 0 : 0x80808080;
            for (long i = 0; i < GROUP; i += 4) {
                MEMORY.set(INT, first + PANEL * i + 4L * lane, MEMORY.get(INT, at + i) ^ middle);
            }
        } else {
            for (long i = 0; i < GROUP / 2; i += 4) {
                int four = MEMORY.get(INT, at + i);
                MEMORY.set(SHORT, first + PANEL / 2 * i + 2L * lane, nibbles(four));
                MEMORY.set(SHORT, first + PANEL / 2 * (i + GROUP / 2) + 2L * lane, nibbles(four >>> 4));
            }
        }
    }

    /// The low halves of four bytes, side by side.
    private static short nibbles(int four) {
        int pairs = four & 0x0F0F0F0F;
        pairs = (pairs | pairs >>> 4) & 0x00FF00FF;
        return (short) (pairs | pairs >>> 8);
    }

    /// The blocks that [#ofBlocks] takes, u8.
    public Tensor toBlocks() {
        long rowBytes = in / GROUP * method.blockBytes();
        Tensor blocks = Tensor.empty(DType.U8, Device.CPU, out, rowBytes);
        long to = blocks.address();
        eachPanel((panel, lanes) -> {
            int[] numbers = new int[GROUP];
            for (int lane = 0; lane < lanes; lane++) {
                for (int group = 0; group < in / GROUP; group++) {
                    int scales = get(panel, lane, group, numbers);
                    writeBlock(
                            to + rowBytes * (PANEL * panel + lane) + (long) method.blockBytes() * group,
                            scales,
                            numbers);
                }
            }
        });
        return blocks;
    }

    private void writeBlock(long block, int scales, int[] numbers) {
        MEMORY.set(SHORT, block, (short) scales);
        long at = block + 2;
        if (method.asymmetric()) {
            MEMORY.set(SHORT, at, (short) (scales >>> 16));
            at += 2;
        }
        for (int i = 0; i < GROUP * method.bits() / 8; i++) {
            int b = method.bits() == 8
                    ? (method.asymmetric() ? numbers[i] : numbers[i] - 128)
                    : numbers[i] | numbers[i + 16] << 4;
            MEMORY.set(BYTE, at + i, (byte) b);
        }
    }

    private long group(long panel, int group) {
        return address + panelBytes() * panel + groupBytes() * group;
    }

    private void put(long panel, int lane, int group, int scales, int[] numbers) {
        long at = group(panel, group);
        MEMORY.set(SHORT, at + 2L * lane, (short) scales);
        if (method.asymmetric()) {
            MEMORY.set(SHORT, at + 2L * (PANEL + lane), (short) (scales >>> 16));
        }
        long first = at + header();
        for (int i = 0; i < GROUP; i += 4) {
            if (method.bits() == 8) {
                int four = numbers[i] | numbers[i + 1] << 8 | numbers[i + 2] << 16 | numbers[i + 3] << 24;
                MEMORY.set(INT, first + (long) PANEL * i + 4L * lane, four);
            } else {
                int four = numbers[i] | numbers[i + 1] << 4 | numbers[i + 2] << 8 | numbers[i + 3] << 12;
                MEMORY.set(SHORT, first + (long) PANEL / 2 * i + 2L * lane, (short) four);
            }
        }
    }

    private int get(long panel, int lane, int group, int[] numbers) {
        long at = group(panel, group);
        int scales = MEMORY.get(SHORT, at + 2L * lane) & 0xFFFF;
        if (method.asymmetric()) {
            scales |= MEMORY.get(SHORT, at + 2L * (PANEL + lane)) << 16;
        }
        long first = at + header();
        for (int i = 0; i < GROUP; i += 4) {
            int four = method.bits() == 8
                    ? MEMORY.get(INT, first + (long) PANEL * i + 4L * lane)
                    : MEMORY.get(SHORT, first + (long) PANEL / 2 * i + 2L * lane);
            int mask = (1 << method.bits()) - 1;
            for (int j = 0; j < 4; j++) {
                numbers[i + j] = four >>> method.bits() * j & mask;
            }
        }
        return scales;
    }

    /// How weights are rounded.
    public Quantization method() {
        return method;
    }

    /// [out × in].
    public long[] shape() {
        return new long[] {out, in};
    }

    @Override
    public long byteCount() {
        return panels.byteCount();
    }

    /// The whole matrix [out × in].
    ///
    /// @param dtype f32, bf16 or f16
    public Tensor dequantize(DType dtype) {
        Tensor plain = Tensor.empty(dtype, Device.CPU, out, in);
        eachPanel((panel, lanes) -> {
            float[] values = new float[Math.toIntExact(lanes * in)];
            for (int lane = 0; lane < lanes; lane++) {
                row(PANEL * panel + lane, values, lane * (int) in);
            }
            try (Scope scope = Scope.open()) {
                plain.narrow(0, PANEL * panel, lanes).copyInPlace(Tensor.of(values, lanes, in));
            }
        });
        return plain;
    }

    /// Some rows, as an embedding looks them up [ids × in].
    ///
    /// @param dtype f32, bf16 or f16
    public Tensor rows(int[] ids, DType dtype) {
        float[] values = new float[Math.toIntExact(ids.length * in)];
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= out) {
                throw new IllegalArgumentException("There are " + out + " rows; row " + ids[i] + " is none of them.");
            }
            row(ids[i], values, i * (int) in);
        }
        return Scope.compute(() -> Tensor.of(values, ids.length, in).to(dtype));
    }

    private void row(long row, float[] to, int at) {
        int[] numbers = new int[GROUP];
        for (int group = 0; group < in / GROUP; group++) {
            int scales = get(row / PANEL, (int) (row % PANEL), group, numbers);
            float scale = Float.float16ToFloat((short) scales);
            float offset = method.asymmetric() ? Float.float16ToFloat((short) (scales >>> 16)) : 0;
            int middle = method.asymmetric() ? 0 : 1 << method.bits() - 1;
            for (int i = 0; i < GROUP; i++) {
                to[at + GROUP * group + i] = (numbers[i] - middle) * scale + offset;
            }
        }
    }

    @Override
    public boolean takes(long rows) {
        return true;
    }

    @Override
    void check(Tensor x) {
        if (x.rank() != 2 || x.size(1) != in) {
            throw new IllegalArgumentException("Expected rows of " + in + " inputs; found " + x + ".");
        }
    }

    @Override
    boolean byRow(Tensor x) {
        return x.size(0) <= MAX_ROWS || x.dtype() != DType.BF16 || !PanelMatmul.takes(in);
    }

    @Override
    float scale() {
        return 1;
    }

    @Override
    long sums() {
        return in / GROUP;
    }

    @Override
    void prepare(RowProduct product) {
        IntPanels.sums(product.address(), in / GROUP * product.paddedRows(), product.more());
    }

    @Override
    RowProduct.Kernel kernel(RowProduct product) {
        long groups = in / GROUP;
        long x = product.address();
        long sums = product.more();
        return (panel, row, rows, tile) -> IntPanels.multiply(
                method, group(panel, 0), groups, x + 4 * in * row, sums + 4 * groups * row, rows, tile);
    }

    @Override
    void multiplyMany(Tensor x, Optional<Tensor> bias, Tensor y) {
        long rows = x.size(0);
        long count = panels.size(0);
        // Panels whose bf16 fill half of a core's second-level cache.
        long together = Math.max(1, (512 << 10) / (2 * in * PANEL));
        int threads = Workers.shared().threads();
        try (Scope scope = Scope.open()) {
            long scratch = Tensor.empty(DType.BF16, Device.CPU, threads, together, in * PANEL)
                    .address();
            long b = bias.isPresent() ? bias.get().to(DType.BF16).address() : 0;
            long from = x.address();
            long to = y.address();
            Workers.shared().run((part, parts) -> {
                long own = scratch + 2 * together * in * PANEL * part;
                long end = count * (part + 1) / parts;
                for (long panel = count * part / parts; panel < end; panel += together) {
                    long n = Math.min(together, end - panel);
                    for (long i = 0; i < n; i++) {
                        IntUnpacker.toBf16(method, group(panel + i, 0), in / GROUP, own + 2 * in * PANEL * i);
                    }
                    long first = PANEL * panel;
                    long outputs = Math.min(out, PANEL * (panel + n)) - first;
                    PanelMatmul.own(from, rows, in, own, outputs, b == 0 ? 0 : b + 2 * first, to + 2 * first, out);
                }
            });
        }
    }

    private interface Panel {
        void run(long panel, int lanes);
    }

    private void eachPanel(Panel work) {
        long count = panels.size(0);
        Workers.shared().run((part, parts) -> {
            for (long panel = count * part / parts; panel < count * (part + 1) / parts; panel++) {
                work.run(panel, Math.toIntExact(Math.min(PANEL, out - PANEL * panel)));
            }
        });
    }

    @Override
    public void close() {
        panels.close();
    }
}
