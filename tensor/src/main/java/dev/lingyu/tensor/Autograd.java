package dev.lingyu.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/// Reverse-mode differentiation.
///
/// The mode (recording or not) belongs to the thread. Training records one block of a model at a time: cut
/// the block's input from its history with [#leaf], run the block, and later ask [#gradients] for the
/// gradients of its parameters and of that input.
public final class Autograd {
    private Autograd() {}

    /// A mode of the current thread, which the brace that closes it restores.
    public static final class Mode implements AutoCloseable {
        private final AutoGradMode guard;

        private Mode(boolean recording) {
            guard = new AutoGradMode(recording);
        }

        @Override
        public void close() {
            guard.close();
        }
    }

    /// Operations up to the closing brace are not recorded.
    public static Mode off() {
        return new Mode(false);
    }

    /// Operations up to the closing brace are recorded for a backward pass.
    public static Mode on() {
        return new Mode(true);
    }

    /// Whether this thread records operations.
    public static boolean isRecording() {
        return GradMode.is_enabled();
    }

    /// The same values without history, as a tensor whose gradient can be asked for.
    public static Tensor leaf(Tensor tensor) {
        Tensor leaf = tensor.detached();
        leaf.handle().requires_grad_(true);
        return leaf;
    }

    /// The same values, outside of any recording.
    public static Tensor detached(Tensor tensor) {
        return tensor.detached();
    }

    /// Says whether operations on this tensor are to be recorded.
    public static Tensor requireGradient(Tensor tensor, boolean required) {
        tensor.handle().requires_grad_(required);
        return tensor;
    }

    /// Whether operations on this tensor are recorded.
    public static boolean requiresGradient(Tensor tensor) {
        return tensor.handle().requires_grad();
    }

    /// The gradients of `Σ output · outputGradient` with respect to each input; the recording of the outputs
    /// is freed.
    ///
    /// @param output         a recorded tensor
    /// @param outputGradient of the same shape
    /// @param inputs         leaves that took part, or not
    /// @return one gradient per input, empty where the output does not depend on it
    public static List<Optional<Tensor>> gradients(Tensor output, Tensor outputGradient, List<Tensor> inputs) {
        return gradients(List.of(output), List.of(outputGradient), inputs);
    }

    /// The same for several outputs at once: what they share is gone through once.
    ///
    /// @param outputGradients one per output, of its shape
    public static List<Optional<Tensor>> gradients(
            List<Tensor> recorded, List<Tensor> outputGradients, List<Tensor> inputs) {
        try (TensorVector outputs = Tensor.vector(recorded);
                TensorVector gradients = Tensor.vector(outputGradients);
                TensorVector of = Tensor.vector(inputs);
                BoolOptional retain = new BoolOptional(false);
                TensorVector result = torch.grad(outputs, of, gradients, retain, false, true)) {
            List<Optional<Tensor>> list = new ArrayList<>(inputs.size());
            for (int i = 0; i < inputs.size(); i++) {
                org.bytedeco.pytorch.Tensor gradient = new org.bytedeco.pytorch.Tensor(result.get(i));
                if (gradient.defined()) {
                    list.add(Optional.of(Tensor.wrap(gradient)));
                } else {
                    gradient.close();
                    list.add(Optional.empty());
                }
            }
            return list;
        }
    }
}
