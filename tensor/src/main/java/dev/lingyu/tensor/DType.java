package dev.lingyu.tensor;

import org.bytedeco.pytorch.global.torch.ScalarType;

/// The element type of a [Tensor], with its spelling in safetensors files and in Hugging Face's `config.json`.
public enum DType {
    F64(8, "F64", "float64", ScalarType.Double),
    F32(4, "F32", "float32", ScalarType.Float),
    F16(2, "F16", "float16", ScalarType.Half),
    BF16(2, "BF16", "bfloat16", ScalarType.BFloat16),
    I64(8, "I64", "int64", ScalarType.Long),
    I32(4, "I32", "int32", ScalarType.Int),
    I16(2, "I16", "int16", ScalarType.Short),
    I8(1, "I8", "int8", ScalarType.Char),
    U8(1, "U8", "uint8", ScalarType.Byte),
    BOOL(1, "BOOL", "bool", ScalarType.Bool);

    private final int byteSize;
    private final String safetensorsName;
    private final String torchName;
    private final ScalarType scalarType;

    DType(int byteSize, String safetensorsName, String torchName, ScalarType scalarType) {
        this.byteSize = byteSize;
        this.safetensorsName = safetensorsName;
        this.torchName = torchName;
        this.scalarType = scalarType;
    }

    /// Bytes per element.
    public int byteSize() {
        return byteSize;
    }

    /// The name in a safetensors header, such as `BF16`.
    public String safetensorsName() {
        return safetensorsName;
    }

    /// The name in `config.json`, such as `bfloat16`.
    public String torchName() {
        return torchName;
    }

    /// True for the types that carry gradients.
    public boolean isFloating() {
        return this == F64 || this == F32 || this == F16 || this == BF16;
    }

    ScalarType scalarType() {
        return scalarType;
    }

    static DType of(ScalarType type) {
        ScalarType known = type.intern();
        for (DType dtype : values()) {
            if (dtype.scalarType == known) {
                return dtype;
            }
        }
        throw new TensorException("Tensors of type " + type + " are not supported.");
    }

    /// Finds a type by any of its usual names: `bf16`, `BF16`, `bfloat16`, `torch.bfloat16`, `float`, `half` …
    ///
    /// @throws TensorException when nothing has that name
    public static DType parse(String name) {
        String plain = name.startsWith("torch.") ? name.substring(6) : name;
        for (DType dtype : values()) {
            if (dtype.torchName.equals(plain) || dtype.name().equalsIgnoreCase(plain)) {
                return dtype;
            }
        }
        return switch (plain) {
            case "float", "fp32" -> F32;
            case "half", "fp16" -> F16;
            case "double" -> F64;
            case "long" -> I64;
            case "int" -> I32;
            default ->
                throw new TensorException(
                        "Unknown dtype \"" + name + "\": expected one of float32 (f32), bfloat16 (bf16), "
                                + "float16 (f16), float64, int64, int32, int16, int8, uint8, bool.");
        };
    }
}
