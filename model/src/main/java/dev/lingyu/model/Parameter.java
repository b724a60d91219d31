package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.PackedMatrix;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A named weight of a model.
///
/// The name is the one in the family's Hugging Face files, such as
/// `transformer.h.0.mlp.dense_h_to_4h.weight`.
public final class Parameter implements AutoCloseable {
    private final String name;
    private final boolean transposedInFiles;
    private Tensor value;
    private boolean trainable;
    private @Nullable PackedMatrix packed;

    Parameter(String name, Tensor value) {
        this(name, value, false);
    }

    /// @param transposedInFiles whether files hold the matrix as [in × out]; `value` is [out × in]
    Parameter(String name, Tensor value, boolean transposedInFiles) {
        this.name = name;
        this.transposedInFiles = transposedInFiles;
        this.value = value.detachFromScope();
    }

    /// The name in Hugging Face files.
    public String name() {
        return name;
    }

    /// The current value. It is replaced, not only changed, when weights move: ask again instead of keeping
    /// it.
    public Tensor value() {
        return value;
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
        trainable = yes;
        Autograd.requireGradient(value, yes);
    }

    /// Puts another tensor in place, of any type but of equal shape, and closes the old one.
    public void replace(Tensor other) {
        if (!java.util.Arrays.equals(other.shape(), value.shape())) {
            throw new IllegalArgumentException(name + " has the shape " + java.util.Arrays.toString(value.shape())
                    + ", not " + java.util.Arrays.toString(other.shape()));
        }
        unpack();
        Tensor old = value;
        value = other.detachFromScope();
        if (old != value) {
            old.close();
        }
        Autograd.requireGradient(value, trainable);
    }

    /// Makes a copy of a matrix for products with few rows, where there is a kernel for its type. It does not
    /// follow changes of the value's memory: for weights that only compute.
    void pack() {
        if (packed == null && PackedMatrix.fits(value)) {
            packed = PackedMatrix.of(value);
        }
    }

    /// The copy for products with few rows.
    Optional<PackedMatrix> packed() {
        return Optional.ofNullable(packed);
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
        value.close();
    }

    @Override
    public String toString() {
        return name + " " + java.util.Arrays.toString(value.shape());
    }
}
