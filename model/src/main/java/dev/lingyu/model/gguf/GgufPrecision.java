package dev.lingyu.model.gguf;

import dev.lingyu.tensor.gguf.GgufType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// How precisely the matrices of a GGUF file are stored. Norms and biases are F32 always.
public enum GgufPrecision {
    F32(GgufType.F32, 0),
    F16(GgufType.F16, 1),
    BF16(GgufType.BF16, 32),
    Q8_0(GgufType.Q8_0, 7),
    Q4_0(GgufType.Q4_0, 2);

    private final GgufType type;
    private final int fileType;

    GgufPrecision(GgufType type, int fileType) {
        this.type = type;
        this.fileType = fileType;
    }

    /// The number in `general.file_type`.
    int fileType() {
        return fileType;
    }

    /// How one tensor is stored, by the rules of llama.cpp's converter and quantiser.
    ///
    /// Rows that don't fill the type's blocks become F16. In a Q4_0 file the output matrix is Q8_0 (llama.cpp's
    /// own are Q6_K there): it decides between tokens, and 4 bits cost it most.
    ///
    /// @param name  in the file
    /// @param head  whether the tensor is the output matrix, or the embedding in its place
    /// @param shape slowest dimension first
    GgufType of(String name, boolean head, long[] shape) {
        if (shape.length < 2 || name.endsWith("_norm.weight") || !name.endsWith(".weight")) {
            return GgufType.F32;
        }
        GgufType wanted = this == Q4_0 && head ? GgufType.Q8_0 : type;
        return shape[shape.length - 1] % wanted.blockSize() == 0 ? wanted : GgufType.F16;
    }

    /// The precision of a name such as `q8_0`.
    ///
    /// @throws GgufException naming those there are
    public static GgufPrecision parse(String name) {
        return Arrays.stream(values())
                .filter(precision -> precision.name().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new GgufException("There is no GGUF type \"%s\"; there are %s."
                        .formatted(
                                name,
                                Arrays.stream(values())
                                        .map(p -> p.name().toLowerCase(Locale.ROOT))
                                        .collect(Collectors.joining(", ")))));
    }
}
