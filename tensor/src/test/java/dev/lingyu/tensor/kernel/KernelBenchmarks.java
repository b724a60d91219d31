package dev.lingyu.tensor.kernel;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What one call of each kernel takes, in microseconds, on the shapes of a model of 1024 features with 16 heads of 64,
/// 4096 features inside its feed-forward layers and a vocabulary of 32,000. Matrices of this size stay in the caches:
/// `lingyu bench decode` tells what reading them from memory takes.
///
/// [KernelBenchmarksTest] says how to run them.
@State(org.openjdk.jmh.annotations.Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class KernelBenchmarks {
    private static final int HIDDEN = 1024;
    private static final int INSIDE = 4096;
    private static final int HEADS = 16;
    private static final int SIZE = 64;
    private static final int VOCABULARY = 32_000;

    /// The kernels.
    public enum Kernel {
        PRODUCT_BF16(b -> b.product(PackedMatrix.of(b.bf16(INSIDE, HIDDEN)), DType.BF16)),
        PRODUCT_F16(b -> b.product(PackedMatrix.of(b.bf16(INSIDE, HIDDEN).to(DType.F16)), DType.F16)),
        PRODUCT_INT8(b -> b.product(Quantization.INT8)),
        PRODUCT_INT8_ASYMMETRIC(b -> b.product(Quantization.INT8_ASYMMETRIC)),
        PRODUCT_INT4(b -> b.product(Quantization.INT4)),
        PRODUCT_INT4_ASYMMETRIC(b -> b.product(Quantization.INT4_ASYMMETRIC)),
        QUERY_ATTENTION(KernelBenchmarks::attention),
        RMS_NORM(b -> {
            Tensor x = b.bf16(b.rows, HIDDEN);
            Tensor weight = b.bf16(HIDDEN);
            return () -> NormKernel.rms(x, weight, 1e-5);
        }),
        LAYER_NORM(b -> {
            Tensor x = b.bf16(b.rows, HIDDEN);
            Tensor weight = b.bf16(HIDDEN);
            return () -> NormKernel.layer(x, weight, weight, 1e-5);
        }),
        ROTARY(b -> {
            Tensor x = b.bf16(b.rows, HEADS, SIZE);
            // No turn at all: x stays what it is however often.
            Tensor cos = Tensor.full(DType.BF16, Device.CPU, 1, b.rows, 1, SIZE / 2);
            Tensor sin = Tensor.zeros(DType.BF16, b.rows, 1, SIZE / 2);
            return () -> RotaryKernel.turn(x, cos, sin, false);
        }),
        SUM(b -> {
            Tensor x = Tensor.zeros(DType.BF16, b.rows, HIDDEN);
            Tensor y = b.bf16(b.rows, HIDDEN);
            return () -> SumKernel.add(x, y);
        }),
        GELU(b -> {
            Tensor x = b.bf16(b.rows, INSIDE);
            Tensor y = b.bf16(b.rows, INSIDE);
            return () -> ActivationKernel.gelu(x, y);
        }),
        GELU_GRADIENT(b -> {
            // Where the derivative is 1: gradients are changed in place.
            Tensor x = Tensor.full(DType.BF16, Device.CPU, 20, b.rows, INSIDE);
            Tensor gradients = b.bf16(b.rows, INSIDE);
            return () -> ActivationKernel.geluGradient(x, gradients);
        }),
        GATED_SILU(b -> {
            Tensor gate = b.bf16(b.rows, INSIDE);
            Tensor up = b.bf16(b.rows, INSIDE);
            Tensor y = b.bf16(b.rows, INSIDE);
            return () -> ActivationKernel.gatedSilu(gate, up, y);
        }),
        GATED_SILU_GRADIENT(b -> {
            Tensor gate = Tensor.full(DType.BF16, Device.CPU, 20, b.rows, INSIDE);
            Tensor up = Tensor.full(DType.BF16, Device.CPU, 1, b.rows, INSIDE);
            Tensor gradients = b.bf16(b.rows, INSIDE);
            Tensor ofUp = b.bf16(b.rows, INSIDE);
            return () -> ActivationKernel.gatedSiluGradient(gate, up, gradients, ofUp);
        }),
        SOFTMAX(b -> {
            Tensor scores = b.bf16(HEADS, b.rows, 512);
            SoftmaxKernel.View view = b.view();
            return () -> SoftmaxKernel.softmax(scores, view);
        }),
        SOFTMAX_GRADIENT(b -> {
            Tensor probabilities = Tensor.full(DType.BF16, Device.CPU, 1.0 / 512, HEADS, b.rows, 512);
            Tensor gradients = b.bf16(HEADS, b.rows, 512);
            SoftmaxKernel.View view = b.view();
            return () -> SoftmaxKernel.gradient(probabilities, gradients, view);
        }),
        ROW_MAXIMUM(b -> {
            Tensor logits = b.bf16(b.rows, VOCABULARY);
            return () -> RowMaximum.of(logits);
        }),
        CROSS_ENTROPY(b -> {
            Tensor logits = b.bf16(b.rows, VOCABULARY);
            int[] labels = new int[b.rows];
            return () -> CrossEntropyKernel.lossAndGradient(logits, labels, 1);
        }),
        GRADIENT_SUM(b -> {
            Tensor sums = Tensor.zeros(DType.F32, b.rows, INSIDE);
            Tensor gradients = b.bf16(b.rows, INSIDE);
            return () -> GradientKernel.add(sums, gradients, false);
        }),
        ADAM(KernelBenchmarks::adam);

        private final Function<KernelBenchmarks, Runnable> prepare;

        Kernel(Function<KernelBenchmarks, Runnable> prepare) {
            this.prepare = prepare;
        }
    }

    /// Which kernel.
    @Param
    public Kernel kernel = Kernel.RMS_NORM;

    /// How many rows it gets: tokens, or queries of each head.
    @Param({"1", "4", "16"})
    public int rows = 1;

    private final Generator generator = Generator.seeded(1);
    private final List<AutoCloseable> open = new ArrayList<>();
    private Runnable call = () -> {};

    /// Makes what the kernel works on.
    @Setup(Level.Trial)
    public void prepare() {
        Scope scope = Scope.open();
        open.add(scope);
        call = kernel.prepare.apply(this);
    }

    /// One call.
    @Benchmark
    public void run() {
        try (Scope scope = Scope.open()) {
            call.run();
        }
    }

    /// Frees it.
    @TearDown(Level.Trial)
    public void close() throws Exception {
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
        open.clear();
    }

    private Tensor bf16(long... shape) {
        return Tensor.zeros(DType.F32, shape).normalInPlace(0, 1, generator).to(DType.BF16);
    }

    private Runnable product(Quantization method) {
        return product(QuantizedMatrix.of(bf16(INSIDE, HIDDEN), method), DType.BF16);
    }

    private Runnable product(PanelMatrix matrix, DType dtype) {
        open.add(matrix);
        Tensor x = bf16(rows, HIDDEN).to(dtype);
        Optional<Tensor> bias = Optional.of(bf16(INSIDE).to(dtype));
        return () -> matrix.multiply(x, bias);
    }

    /// So many sequences of 512 tokens.
    private Runnable attention() {
        List<QueryAttention.Query> queries = new ArrayList<>();
        Tensor past = bf16(512, HEADS, SIZE);
        for (int row = 0; row < rows; row++) {
            AttentionPanels panels = new AttentionPanels(DType.BF16, HEADS, SIZE, 512);
            open.add(panels);
            panels.put(0, past, past, 0, 511);
            queries.add(new QueryAttention.Query(row, panels, 512, Integer.MAX_VALUE));
        }
        Tensor q = bf16(rows, HEADS, SIZE);
        Tensor context = bf16(rows, HIDDEN);
        return () -> QueryAttention.attend(queries, q, q, q, context, 0.125f, new float[0]);
    }

    private SoftmaxKernel.View view() {
        return new SoftmaxKernel.View(rows, 512 - rows, 512, Integer.MAX_VALUE, 0.125f, new float[0]);
    }

    private Runnable adam() {
        int n = rows * INSIDE;
        Tensor weights = bf16(n);
        Tensor rests = Tensor.zeros(DType.I16, n);
        Tensor gradients = Tensor.zeros(DType.F32, n);
        Tensor first = Tensor.zeros(DType.F32, n);
        Tensor second = Tensor.zeros(DType.F32, n);
        AdamKernel.Update update = new AdamKernel.Update(1e-4, 0.9, 0.999, 1e-8, 0, 1, 1);
        return () -> AdamKernel.update(weights, rests, gradients, first, second, update);
    }
}
