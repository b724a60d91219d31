package dev.lingyu.tensor;

import org.bytedeco.pytorch.global.torch;

/// Facts about and settings of the libtorch in this process.
public final class Torch {
    private Torch() {}

    /// How many threads an operation may use.
    public static int threads() {
        return torch.get_num_threads();
    }

    /// Sets how many threads an operation may use: results are bit-identical only for equal counts.
    public static void threads(int count) {
        torch.set_num_threads(count);
    }

    /// The version of libtorch, such as `2.13.0-1.5.14` (libtorch 2.13.0 in presets 1.5.14).
    public static String version() {
        String version = torch.class.getPackage().getImplementationVersion();
        return version == null ? "unknown" : version;
    }
}
