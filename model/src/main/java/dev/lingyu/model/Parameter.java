package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Functional;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.PackedMatrix;
import dev.lingyu.tensor.kernel.PanelMatrix;
import dev.lingyu.tensor.kernel.Quantization;
import dev.lingyu.tensor.kernel.QuantizedMatrix;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A named weight of a model.
///
/// The name is the one in the family's Hugging Face files, such as
/// `transformer.h.0.mlp.dense_h_to_4h.weight`.
public final class Parameter implements AutoCloseable {
    private final String name;
    private final boolean transposedInFiles;
    private final long[] shape;
    private @Nullable Tensor value;
    private @Nullable Quantized quantized;
    private boolean trainable;
    private @Nullable PackedMatrix packed;

    /// @param matrix   the weights, rounded
    /// @param computes the type in which products with them come out
    private record Quantized(QuantizedMatrix matrix, DType computes) {}

    Parameter(String name, Tensor value) {
        this(name, value, false);
    }

    /// @param transposedInFiles whether files hold the matrix as [in × out]; `value` is [out × in]
    Parameter(String name, Tensor value, boolean transposedInFiles) {
        this.name = name;
        this.transposedInFiles = transposedInFiles;
        this.value = value.detachFromScope();
        this.shape = value.shape();
    }

    /// A matrix of 8 or 4 bits.
    ///
    /// @param matrix   [out × in], owned
    /// @param computes the type that [#value] gives, and that products come out in
    Parameter(String name, QuantizedMatrix matrix, DType computes, boolean transposedInFiles) {
        this.name = name;
        this.transposedInFiles = transposedInFiles;
        this.shape = matrix.shape();
        this.quantized = new Quantized(matrix, computes);
    }

    /// The name in Hugging Face files.
    public String name() {
        return name;
    }

    /// The current value. It is replaced, not only changed, when weights move: ask again instead of keeping
    /// it. Of quantised weights it is a copy, unpacked anew at each call, that the scope around frees.
    public Tensor value() {
        if (quantized != null) {
            return quantized.matrix().dequantize(quantized.computes());
        }
        return Objects.requireNonNull(value);
    }

    /// The shape of the value.
    public long[] shape() {
        return shape.clone();
    }

    /// Elements.
    public long count() {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    /// The type of the value.
    public DType dtype() {
        return quantized != null
                ? quantized.computes()
                : Objects.requireNonNull(value).dtype();
    }

    /// Where the value is.
    public Device device() {
        return quantized != null ? Device.CPU : Objects.requireNonNull(value).device();
    }

    /// Bytes that the weights take, without copies for products.
    public long byteCount() {
        return quantized != null
                ? quantized.matrix().byteCount()
                : Objects.requireNonNull(value).byteCount();
    }

    /// The weights of 8 or 4 bits, where they are.
    public Optional<QuantizedMatrix> quantized() {
        return Optional.ofNullable(quantized).map(Quantized::matrix);
    }

    /// Rows of a table, as an embedding looks them up [ids × columns].
    Tensor rows(int[] ids) {
        if (quantized != null) {
            return quantized.matrix().rows(ids, quantized.computes());
        }
        return Functional.embedding(value(), Tensor.of(ids, ids.length).to(device()));
    }

    /// Something of this parameter's shape (its value, its gradient, an optimiser's state) laid out as files
    /// hold it: itself, or for GPT-2's matrices a view [in × out].
    public Tensor asInFiles(Tensor tensor) {
        return transposedInFiles ? tensor.transpose(0, 1) : tensor;
    }

    /// Whether files hold the matrix as [in × out]; `value` is [out × in].
    boolean transposedInFiles() {
        return transposedInFiles;
    }

    /// Whether training changes it.
    public boolean trainable() {
        return trainable;
    }

    /// Says whether training changes it, and so whether operations on it are recorded.
    public void trainable(boolean yes) {
        if (quantized != null) {
            if (yes) {
                throw new ModelException(name + " is quantised: such weights can't be trained, adapters on them can.");
            }
            return;
        }
        trainable = yes;
        Autograd.requireGradient(value(), yes);
    }

    /// Puts another tensor in place, of any type but of equal shape, and closes the old one.
    public void replace(Tensor other) {
        if (!Arrays.equals(other.shape(), shape)) {
            throw new IllegalArgumentException(
                    name + " has the shape " + Arrays.toString(shape) + ", not " + Arrays.toString(other.shape()));
        }
        unpack();
        Tensor old = value;
        value = other.detachFromScope();
        if (old != null && old != value) {
            old.close();
        }
        if (quantized != null) {
            quantized.matrix().close();
            quantized = null;
        }
        Autograd.requireGradient(value, trainable);
    }

    /// Makes a copy of a matrix for products with few rows, where there is a kernel for its type. It does not
    /// follow changes of the value's memory: for weights that only compute.
    void pack() {
        if (packed == null && quantized == null && PackedMatrix.fits(value())) {
            packed = PackedMatrix.of(value());
        }
    }

    /// Rounds a matrix for good, and frees what it was.
    void quantize(Quantization method) {
        QuantizedMatrix matrix = QuantizedMatrix.of(value(), method);
        Quantized rounded = new Quantized(matrix, dtype());
        close();
        packed = null;
        value = null;
        quantized = rounded;
    }

    /// The layout for products on the CPU: a copy that [#pack] made, or quantised weights themselves.
    Optional<PanelMatrix> packed() {
        return Optional.ofNullable(quantized != null ? quantized.matrix() : packed);
    }

    private void unpack() {
        if (packed != null) {
            packed.close();
            packed = null;
        }
    }

    /// Frees the value.
    @Override
    public void close() {
        unpack();
        if (value != null) {
            value.close();
        }
        if (quantized != null) {
            quantized.matrix().close();
        }
    }

    @Override
    public String toString() {
        return name + " " + Arrays.toString(shape);
    }
}
