package dev.lingyu.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;

/// What a run's bits depend on besides its inputs: equal for equal thread count, processor features and
/// libraries.
///
/// @param threads   of one operation
/// @param device    where the weights are
/// @param dtype     what the model computes in
/// @param processor its name
/// @param features  the vector instructions that libtorch chooses its kernels by
/// @param libtorch  the version
record Machine(int threads, String device, String dtype, String processor, String features, String libtorch) {
    private static final List<String> FEATURES = List.of(
            "avx2",
            "fma",
            "avx512f",
            "avx512bw",
            "avx512_bf16",
            "avx512_vnni",
            "avx512_fp16",
            "amx_bf16",
            "asimd",
            "bf16",
            "sve");

    static Machine of(LanguageModel model) {
        return new Machine(
                Torch.threads(),
                model.decoder().device().toString(),
                model.decoder().dtype().torchName(),
                cpuField("model name"),
                cpuFeatures(),
                Torch.version());
    }

    private static String cpuFeatures() {
        TreeSet<String> present = new TreeSet<>(List.of((cpuField("flags") + " " + cpuField("Features")).split(" ")));
        present.retainAll(FEATURES);
        return String.join(" ", present);
    }

    private static String cpuField(String name) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                if (line.startsWith(name)) {
                    return line.substring(line.indexOf(':') + 1).strip();
                }
            }
        } catch (IOException e) {
            return "";
        }
        return "";
    }

    void write(ObjectNode fields) {
        fields.put("threads", threads);
        fields.put("device", device);
        fields.put("dtype", dtype);
        fields.put("processor", processor);
        fields.put("processor_features", features);
        fields.put("libtorch", libtorch);
    }
}
