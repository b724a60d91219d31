package dev.lingyu.tensor.gguf;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Unpacks the rows of one tensor, each thread its share of them.
final class RowUnpacker {
    // Values in flight per thread: they stay in the first-level cache.
    private static final int CHUNK = 4096;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final GgufType type;
    private final MemorySegment from;
    private final RowOrder order;
    private final long rows;
    private final long columns;

    RowUnpacker(GgufTensor tensor, MemorySegment from, RowOrder order) {
        this.type = tensor.type();
        this.from = from;
        this.order = order;
        boolean vector = tensor.shape().length == 1;
        boolean plainVector = vector && order == RowOrder.AS_STORED;
        // A vector whose values are to change places is a column.
        rows = vector && !plainVector ? tensor.columns() : tensor.rows();
        columns = vector && !plainVector ? 1 : tensor.columns();
    }

    /// @param values contiguous, on the CPU, of a floating type
    void into(Tensor values) {
        MemorySegment to = values.bytes();
        DType dtype = values.dtype();
        Workers.shared().run((part, parts) -> share(rows * part / parts, rows * (part + 1) / parts, to, dtype));
    }

    private void share(long begin, long end, MemorySegment to, DType dtype) {
        int chunk = (int) Math.min(CHUNK, columns);
        byte[] packed = new byte[(int) type.bytes(chunk)];
        float[] floats = new float[chunk];
        short[] halves = new short[chunk];
        long rowBytes = type.bytes(columns);
        for (long row = begin; row < end; row++) {
            long source = order.stored(row) * rowBytes;
            for (long column = 0; column < columns; column += chunk) {
                int count = (int) Math.min(chunk, columns - column);
                int bytes = (int) type.bytes(count);
                MemorySegment.copy(from, ValueLayout.JAVA_BYTE, source, packed, 0, bytes);
                source += bytes;
                type.unpack(packed, floats, count / type.blockSize());
                write(floats, halves, count, to, (row * columns + column) * dtype.byteSize(), dtype);
            }
        }
    }

    private static void write(float[] floats, short[] halves, int count, MemorySegment to, long at, DType dtype) {
        switch (dtype) {
            case F32 -> MemorySegment.copy(floats, 0, to, FLOAT, at, count);
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    halves[i] = bfloat(floats[i]);
                }
                MemorySegment.copy(halves, 0, to, SHORT, at, count);
            }
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    halves[i] = Float.floatToFloat16(floats[i]);
                }
                MemorySegment.copy(halves, 0, to, SHORT, at, count);
            }
            default -> throw new IllegalArgumentException("Weights unpack to F32, BF16 or F16, not to " + dtype);
        }
    }

    /// To the nearest bf16, ties to even; every NaN to the same one, as libtorch does it.
    private static short bfloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        int rounded = bits + 0x7FFF + (bits >>> 16 & 1) >>> 16;
        return (short) (!Float.isNaN(value) ? rounded : 0x7FC0);
    }
}
