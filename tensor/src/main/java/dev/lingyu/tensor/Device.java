package dev.lingyu.tensor;

import org.bytedeco.pytorch.global.torch;

/// Where a tensor lives: `cpu`, or `cuda:INDEX`.
///
/// @param kind  the sort of device
/// @param index which one of that sort, from 0
public record Device(Kind kind, int index) {
    /// The sorts of device that are known.
    public enum Kind {
        CPU,
        CUDA
    }

    /// The machine's own memory.
    public static final Device CPU = new Device(Kind.CPU, 0);

    /// Reads `cpu`, `cuda` or `cuda:1`; `auto` is the first GPU where there is one, else the CPU.
    public static Device parse(String text) {
        if (text.equals("cpu")) {
            return CPU;
        }
        if (text.equals("auto")) {
            return cudaAvailable() ? new Device(Kind.CUDA, 0) : CPU;
        }
        if (text.equals("cuda") || text.matches("cuda:\\d{1,3}")) {
            if (!cudaAvailable()) {
                throw new TensorException("Device \"" + text
                        + "\" was asked for, but no CUDA device can be used here: build with -Pcuda on a machine "
                        + "that has one, or use device: cpu.");
            }
            return new Device(Kind.CUDA, text.equals("cuda") ? 0 : Integer.parseInt(text.substring(5)));
        }
        throw new TensorException("Unknown device \"" + text + "\": expected cpu, cuda, cuda:N or auto.");
    }

    /// Whether this build of libtorch sees a GPU.
    public static boolean cudaAvailable() {
        return torch.cuda_is_available();
    }

    boolean isCuda() {
        return kind == Kind.CUDA;
    }

    org.bytedeco.pytorch.Device handle() {
        return new org.bytedeco.pytorch.Device(toString());
    }

    @Override
    public String toString() {
        return kind == Kind.CPU ? "cpu" : "cuda:" + index;
    }
}
