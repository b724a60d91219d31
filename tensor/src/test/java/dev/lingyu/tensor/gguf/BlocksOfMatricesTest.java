package dev.lingyu.tensor.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.Quantization;
import dev.lingyu.tensor.kernel.QuantizedMatrix;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlocksOfMatricesTest {
    @ParameterizedTest
    @CsvSource({"INT8, Q8_0", "INT4, Q4_0"})
    void matricesAreRoundedToGgufsBlocks(Quantization method, GgufType type) {
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(1)) {
            Tensor weight = Tensor.zeros(DType.F32, 70, 96).normalInPlace(0, 1, generator);
            byte[] expected = new byte[70 * 3 * method.blockBytes()];
            GgufQuantizer.quantize(type, weight.toFloats(), expected, 70 * 3);
            try (QuantizedMatrix matrix = QuantizedMatrix.of(weight, method)) {
                Tensor blocks = matrix.toBlocks();
                byte[] found = new byte[expected.length];
                java.lang.foreign.MemorySegment.ofAddress(blocks.address())
                        .reinterpret(found.length)
                        .asByteBuffer()
                        .get(found);
                assertThat(found).isEqualTo(expected);
            }
        }
    }
}
