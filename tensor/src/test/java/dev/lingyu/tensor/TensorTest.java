package dev.lingyu.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TensorTest {
    @Test
    void aTensorMadeInAScopeIsClosedWithItAndAKeptOneIsNot() {
        long before = Tensor.liveCount();
        Tensor kept;
        Tensor lost;
        try (Scope scope = Scope.open()) {
            Tensor a = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
            lost = a.add(1);
            kept = scope.keep(a.matmul(lost));
        }
        assertThat(lost.isClosed()).isTrue();
        assertThat(kept.toFloats()).containsExactly(10, 13, 22, 29);
        assertThat(Tensor.liveCount()).isEqualTo(before + 1);
        kept.close();
        assertThat(Tensor.liveCount()).isEqualTo(before);
    }

    @Test
    void innerScopesCloseBeforeOuterOnes() {
        Scope outer = Scope.open();
        Scope inner = Scope.open();
        assertThatThrownBy(outer::close).hasMessageContaining("inner scopes");
        inner.close();
        outer.close();
    }

    @Test
    void aClosedTensorSaysSo() {
        Tensor tensor = Tensor.zeros(DType.F32, 2);
        tensor.close();
        assertThatThrownBy(tensor::toFloats).hasMessageContaining("closed");
    }

    @Test
    void gradientsFlowThroughARecordedBlockAfterItsScopeClosed() {
        try (Scope outer = Scope.open();
                Autograd.Mode recording = Autograd.on()) {
            Tensor w = Autograd.leaf(Tensor.of(new float[] {2, 3}, 1, 2));
            Tensor x = Autograd.leaf(Tensor.of(new float[] {5, 7}, 1, 2));
            Tensor y = Scope.compute(() -> Functional.linear(x.square(), w, Optional.empty()));
            List<Optional<Tensor>> gradients =
                    Autograd.gradients(y, Tensor.of(new float[] {1}, 1, 1), List.of(w, x, Autograd.leaf(w)));
            assertThat(gradients.get(0).orElseThrow().toFloats()).containsExactly(25, 49);
            assertThat(gradients.get(1).orElseThrow().toFloats()).containsExactly(20, 42);
            assertThat(gradients.get(2)).isEmpty();
        }
    }

    @Test
    void aGeneratorRestoredToItsStateDrawsTheSameNumbersAgain() {
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(7)) {
            Tensor.zeros(DType.F32, 100).normalInPlace(0, 1, generator);
            byte[] state = generator.state();
            float[] first =
                    Tensor.zeros(DType.F32, 100).normalInPlace(0, 1, generator).toFloats();
            generator.restore(state);
            assertThat(Tensor.zeros(DType.F32, 100)
                            .normalInPlace(0, 1, generator)
                            .toFloats())
                    .containsExactly(first);
        }
    }

    @Test
    void aBoxedFusedAdamwStepMatchesTheFormula() {
        try (Scope scope = Scope.open()) {
            Tensor p = Tensor.of(new float[] {1f, -2f}, 2);
            Tensor g = Tensor.of(new float[] {0.5f, 0.25f}, 2);
            Tensor m = Tensor.zeros(DType.F32, 2);
            Tensor v = Tensor.zeros(DType.F32, 2);
            Tensor step = Tensor.of(new float[] {1}, 1).squeeze(0);
            Boxed.call(
                    "aten::_fused_adamw_",
                    "",
                    List.of(p),
                    List.of(g),
                    List.of(m),
                    List.of(v),
                    List.of(),
                    List.of(step),
                    1e-3,
                    0.9,
                    0.999,
                    0.01,
                    1e-8,
                    false,
                    false,
                    Optional.empty(),
                    Optional.empty());
            // Step 1: m̂ = g, v̂ = g², so the update is lr · sign(g) after the decay.
            assertThat(p.toFloats()[0]).isCloseTo(1f * (1 - 1e-5f) - 1e-3f, within(1e-6f));
            assertThat(p.toFloats()[1]).isCloseTo(-2f * (1 - 1e-5f) - 1e-3f, within(1e-6f));
        }
    }

    @Test
    void anUnknownBoxedFunctionIsNamed() {
        assertThatThrownBy(() -> Boxed.call("aten::_no_such_thing", ""))
                .isInstanceOf(TensorException.class)
                .hasMessageContaining("aten::_no_such_thing");
    }

    @Test
    void rmsNormInBf16MatchesLlamasRounding() {
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.of(new float[] {1, 2, 3, 4}, 1, 4).to(DType.BF16);
            Tensor w = Tensor.of(new float[] {1, 1, 2, 1}, 4).to(DType.BF16);
            float[] y = Functional.rmsNorm(x, w, 1e-5).toFloats();
            assertThat(y[0]).isCloseTo(0.3652f, within(0.002f));
            assertThat(y[2]).isCloseTo(2 * 1.0954f, within(0.02f));
        }
    }

    @Test
    void dtypesAreFoundByTheirUsualNames() {
        assertThat(List.of("bf16", "bfloat16", "torch.bfloat16", "BF16")).allMatch(n -> DType.parse(n) == DType.BF16);
        assertThatThrownBy(() -> DType.parse("fp8")).hasMessageContaining("fp8").hasMessageContaining("bfloat16");
    }

    @Test
    void theNormOfMillionsOfElementsKeepsFiveDigits() {
        try (Scope scope = Scope.open()) {
            // An odd number, so that some elements are left behind the last whole piece.
            int count = 9_000_001;
            float value = 1e-3f;
            Tensor many = Tensor.full(DType.F32, Device.CPU, value, count);
            assertThat(many.norm().item()).isCloseTo(value * Math.sqrt(count), withinPercentage(1e-3));
            assertThat(many.view(1, count).norm().shape()).isEmpty();
            assertThat(Tensor.of(new float[] {3, 4}, 2).norm().item()).isEqualTo(5);
        }
    }

    @Test
    void tensorsOfOneThousandStepsLeaveNothingBehind() {
        long before = Tensor.liveCount();
        for (int i = 0; i < 1000; i++) {
            Scope.run(() -> Tensor.zeros(DType.F32, 64, 64)
                    .add(1)
                    .matmul(Tensor.zeros(DType.F32, 64, 64))
                    .sum());
        }
        assertThat(Tensor.liveCount()).isEqualTo(before);
    }
}
