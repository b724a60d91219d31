package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Generator;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QueryAttentionTest {
    /// @param keyHeads key and value heads
    /// @param shared   query heads per key head
    /// @param size     features of a head
    private record Heads(int keyHeads, int shared, int size) {
        int queries() {
            return keyHeads * shared;
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void equalsASoftmaxInDoublePrecisionForRandomShapes(DType dtype) {
        Random random = new Random(11);
        for (int trial = 0; trial < 60; trial++) {
            Heads heads = new Heads(1 + random.nextInt(3), 1 + random.nextInt(9), 2 * (1 + random.nextInt(70)));
            int[] lengths = random.ints(1 + random.nextInt(3), 1, 200).toArray();
            int window = random.nextBoolean() ? Integer.MAX_VALUE : 1 + random.nextInt(100);
            float[] slopes = new float[random.nextBoolean() ? heads.queries() : 0];
            for (int h = 0; h < slopes.length; h++) {
                slopes[h] = (float) Math.pow(2, -h - 1);
            }
            try (Scope scope = Scope.open();
                    Generator generator = Generator.seeded(trial)) {
                compare(heads, lengths, window, slopes, dtype, generator);
            }
        }
    }

    private static void compare(
            Heads heads, int[] lengths, int window, float[] slopes, DType dtype, Generator generator) {
        float scale = 0.3f;
        List<QueryAttention.Query> queries = new ArrayList<>();
        List<Tensor> keys = new ArrayList<>();
        List<Tensor> values = new ArrayList<>();
        for (int i = 0; i < lengths.length; i++) {
            keys.add(random(generator, dtype, lengths[i], heads.keyHeads(), heads.size()));
            values.add(random(generator, dtype, lengths[i], heads.keyHeads(), heads.size()));
            AttentionPanels past = new AttentionPanels(dtype, heads.keyHeads(), heads.size(), lengths[i]);
            past.put(0, keys.get(i), values.get(i), 0, lengths[i] - 1);
            queries.add(new QueryAttention.Query(i, past, lengths[i], window));
        }
        // As fused projections give them: queries between others, not end to end.
        Tensor q = random(generator, dtype, lengths.length, heads.queries(), 2, heads.size())
                .select(2, 1);
        Tensor context = Tensor.zeros(dtype, Device.CPU, lengths.length, (long) heads.queries() * heads.size());
        QueryAttention.attend(queries, q, newest(keys), newest(values), context, scale, slopes);
        queries.forEach(query -> query.past().close());

        double[] found = context.toDoubles();
        double[] ask = q.contiguous().toDoubles();
        for (int i = 0; i < lengths.length; i++) {
            for (int head = 0; head < heads.queries(); head++) {
                double[] expected = reference(
                        ask,
                        (i * heads.queries() + head) * heads.size(),
                        keys.get(i).toDoubles(),
                        values.get(i).toDoubles(),
                        head / heads.shared(),
                        lengths[i],
                        heads,
                        window,
                        scale,
                        slopes.length == 0 ? 0 : slopes[head]);
                for (int f = 0; f < heads.size(); f++) {
                    assertThat(found[(i * heads.queries() + head) * heads.size() + f])
                            .as("%s, %d tokens, sequence %d, head %d, feature %d", heads, lengths[i], i, head, f)
                            .isCloseTo(
                                    expected[f],
                                    within(2e-5 + Math.abs(expected[f]) * (dtype == DType.BF16 ? 0x1p-8 : 0x1p-11)));
                }
            }
        }
    }

    /// Each sequence's last token [sequences × key heads × d].
    private static Tensor newest(List<Tensor> all) {
        return Tensor.cat(all.stream().map(x -> x.narrow(0, x.size(0) - 1, 1)).toList(), 0);
    }

    private static double[] reference(
            double[] q,
            int query,
            double[] k,
            double[] v,
            int head,
            int tokens,
            Heads heads,
            int window,
            double scale,
            double slope) {
        int size = heads.size();
        double[] scores = new double[tokens];
        double top = Double.NEGATIVE_INFINITY;
        int start = Math.max(0, tokens - window);
        for (int j = start; j < tokens; j++) {
            for (int f = 0; f < size; f++) {
                scores[j] += q[query + f] * k[(j * heads.keyHeads() + head) * size + f];
            }
            scores[j] = scores[j] * scale + slope * (j - tokens + 1);
            top = Math.max(top, scores[j]);
        }
        double sum = 0;
        double[] mixed = new double[size];
        for (int j = start; j < tokens; j++) {
            double p = Math.exp(scores[j] - top);
            sum += p;
            for (int f = 0; f < size; f++) {
                mixed[f] += p * v[(j * heads.keyHeads() + head) * size + f];
            }
        }
        for (int f = 0; f < size; f++) {
            mixed[f] /= sum;
        }
        return mixed;
    }

    /// Two sequences of 90 tokens, three key heads of which each serves two query heads.
    private static float[] contexts(DType dtype, float[] q, float[] keys, float[] values) {
        List<QueryAttention.Query> queries = new ArrayList<>();
        try (Scope scope = Scope.open()) {
            Tensor k = Tensor.of(keys, 180, 3, 16).to(dtype);
            Tensor v = Tensor.of(values, 180, 3, 16).to(dtype);
            for (int i = 0; i < 2; i++) {
                AttentionPanels past = new AttentionPanels(dtype, 3, 16, 90);
                past.put(0, k, v, 90 * i, 89);
                queries.add(new QueryAttention.Query(i, past, 90, Integer.MAX_VALUE));
            }
            Tensor newest = Tensor.of(new int[] {89, 179}, 2);
            Tensor context = Tensor.zeros(dtype, Device.CPU, 2, 96);
            QueryAttention.attend(
                    queries,
                    Tensor.of(q, 2, 6, 16).to(dtype),
                    k.indexSelect(0, newest),
                    v.indexSelect(0, newest),
                    context,
                    0.25f,
                    new float[0]);
            return context.toFloats();
        } finally {
            queries.forEach(query -> query.past().close());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "F16"})
    void notANumberAndInfinityStayInTheHeadsThatSeeThem(DType dtype) {
        Random random = new Random(8);
        float[] q = new float[2 * 96];
        float[] keys = new float[180 * 48];
        float[] values = new float[180 * 48];
        for (float[] array : List.of(q, keys, values)) {
            for (int i = 0; i < array.length; i++) {
                array[i] = (float) random.nextGaussian();
            }
        }
        float[] plain = contexts(dtype, q, keys, values);
        for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            float[] oddQ = q.clone();
            oddQ[96 + 2 * 16 + 5] = odd;
            assertOdd(plain, contexts(dtype, oddQ, keys, values), 96 + 32, 96 + 48, 1);

            // In f16 an infinity that is stored counts as 65536 and more: HalfPanels says so.
            for (int token : dtype == DType.F16 ? new int[0] : new int[] {40, 41, 89}) {
                float[] oddKeys = keys.clone();
                // Of the first sequence's second key head; a score of −∞ is a key that is not seen.
                oddKeys[token * 48 + 16 + 3] = odd;
                float[] found = contexts(dtype, q, oddKeys, values);
                assertThat(Arrays.copyOfRange(found, 0, 32)).isEqualTo(Arrays.copyOfRange(plain, 0, 32));
                assertThat(Arrays.copyOfRange(found, 64, 192)).isEqualTo(Arrays.copyOfRange(plain, 64, 192));
                if (Float.isNaN(odd)) {
                    assertOdd(plain, found, 32, 64, 1);
                }

                float[] oddValues = values.clone();
                oddValues[token * 48 + 16 + 3] = odd;
                assertOdd(plain, contexts(dtype, q, keys, oddValues), 32 + 3, 64, 16);
            }
        }
    }

    /// Every `step`-th number from `from` to `to` is not finite, all others are as they were.
    private static void assertOdd(float[] plain, float[] found, int from, int to, int step) {
        for (int i = 0; i < found.length; i++) {
            if (i >= from && i < to && (i - from) % step == 0) {
                assertThat(Float.isFinite(found[i]))
                        .as("element %d: %s", i, found[i])
                        .isFalse();
            } else {
                assertThat(found[i]).as("element %d", i).isEqualTo(plain[i]);
            }
        }
    }

    private static Tensor random(Generator generator, DType dtype, long... shape) {
        return Tensor.zeros(DType.F32, shape).normalInPlace(0, 1, generator).to(dtype);
    }

    @Test
    void panelsKeepWhatWasStoredTokenByTokenThroughGrowthAndCopies() {
        try (Scope scope = Scope.open();
                Generator generator = Generator.seeded(2)) {
            Tensor k = random(generator, DType.BF16, 150, 2, 70);
            Tensor v = random(generator, DType.BF16, 150, 2, 70);
            float[] keys = k.transpose(0, 1).contiguous().toFloats();
            float[] values = v.transpose(0, 1).contiguous().toFloats();
            try (AttentionPanels one = new AttentionPanels(DType.BF16, 2, 70, 16);
                    AttentionPanels other = new AttentionPanels(DType.BF16, 2, 70, 200)) {
                for (int t = 0; t < 150; t++) {
                    one.grow(t + 1, t);
                    one.put(t, k, v, t, 1);
                }
                assertThat(one.keys(150).toFloats()).isEqualTo(keys);
                assertThat(one.values(150).toFloats()).isEqualTo(values);

                other.put(0, k, v, 0, 37);
                other.copy(one, 37, 150);
                assertThat(other.keys(150).toFloats()).isEqualTo(keys);
                assertThat(other.values(150).toFloats()).isEqualTo(values);

                assertThatThrownBy(() -> other.put(256, k, v, 0, 1)).hasMessageContaining("room for 256 tokens");
                assertThatThrownBy(() -> other.put(0, v.transpose(1, 2), v, 0, 1))
                        .hasMessageContaining("Expected BF16 [tokens × 2 × 70]");
            }
        }
    }
}
