package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every decoder family against the arrays that its reference implementation computed.
class GoldenDecoderTest {
    @ParameterizedTest
    @MethodSource("dev.lingyu.model.Golden#decoderFamilies")
    void hiddenStatesAndLogitsEqualTheReference(String name) throws IOException {
        Golden golden = Golden.open(name);
        try (Scope scope = Scope.open();
                Decoder decoder = load(golden)) {
            for (String batch : List.of("left", "right", "full")) {
                String mask = batch + ".attention_mask";
                TokenBatch tokens = TokenBatch.of(golden.sequences(batch + ".input_ids", mask));
                if (golden.has(batch + ".hidden.0")) {
                    compareHidden(golden, decoder, tokens, batch, name);
                }
                Tensor features = decoder.features(tokens, List.of());
                if (golden.has(batch + ".last_hidden")) {
                    Golden.within(
                            golden.largestDifferenceAtRealPositions(features, batch + ".last_hidden", mask),
                            1e-4,
                            name + " " + batch + ".last_hidden");
                }
                Golden.within(
                        golden.largestDifferenceAtRealPositions(decoder.logits(tokens), batch + ".logits", mask),
                        1e-4,
                        name + " " + batch + ".logits");
            }
        }
    }

    private static void compareHidden(Golden golden, Decoder decoder, TokenBatch tokens, String batch, String name) {
        try (Decoder.Pass pass = decoder.begin(tokens, List.of())) {
            Tensor x = decoder.embed(pass);
            for (int layer = 0; layer <= decoder.config().layers(); layer++) {
                String array = batch + ".hidden." + layer;
                // The last one is taken behind the final norm.
                Tensor ours = layer == decoder.config().layers() ? decoder.finish(x) : x;
                Golden.within(
                        golden.largestDifferenceAtRealPositions(ours, array, batch + ".attention_mask"),
                        1e-4,
                        name + " " + array);
                if (layer < decoder.config().layers()) {
                    x = decoder.block(layer, x, pass);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.lingyu.model.Golden#decoderFamilies")
    void aCacheFilledInPiecesGivesTheSameLogitsAsOnePass(String name) throws IOException {
        Golden golden = Golden.open(name);
        try (Scope scope = Scope.open();
                Decoder decoder = load(golden)) {
            List<int[]> rows = golden.sequences("left.input_ids", "left.attention_mask");
            List<KvCache> caches = new ArrayList<>();
            for (int i = 0; i < rows.size(); i++) {
                caches.add(new KvCache(decoder, 4));
            }
            int[] done = new int[rows.size()];
            List<List<float[]>> logits = new ArrayList<>();
            rows.forEach(row -> logits.add(new ArrayList<>()));
            for (int round = 0; ; round++) {
                // Pieces of uneven sizes: 3 tokens, then 1, then 2 …
                List<Integer> active = new ArrayList<>();
                List<int[]> pieces = new ArrayList<>();
                for (int i = 0; i < rows.size(); i++) {
                    int size = Math.min(new int[] {3, 1, 2}[(round + i) % 3], rows.get(i).length - done[i]);
                    if (size > 0) {
                        active.add(i);
                        pieces.add(java.util.Arrays.copyOfRange(rows.get(i), done[i], done[i] + size));
                    }
                }
                if (active.isEmpty()) {
                    break;
                }
                TokenBatch batch = new TokenBatch(
                        pieces.stream().flatMapToInt(java.util.Arrays::stream).toArray(),
                        pieces.stream().mapToInt(p -> p.length).toArray(),
                        active.stream().mapToInt(i -> done[i]).toArray());
                Tensor out = decoder.head(
                        decoder.features(batch, active.stream().map(caches::get).toList()));
                int row = 0;
                for (int a = 0; a < active.size(); a++) {
                    int i = active.get(a);
                    for (int t = 0; t < pieces.get(a).length; t++) {
                        logits.get(i).add(out.select(0, row++).toFloats());
                    }
                    done[i] += pieces.get(a).length;
                    assertThat(caches.get(i).length()).isEqualTo(done[i]);
                }
            }
            Tensor ours = Tensor.cat(
                    logits.stream()
                            .flatMap(List::stream)
                            .map(f -> Tensor.of(f, 1, f.length))
                            .toList(),
                    0);
            Golden.within(
                    golden.largestDifferenceAtRealPositions(ours, "left.logits", "left.attention_mask"),
                    1e-4,
                    name + " left.logits through a cache");
            caches.forEach(KvCache::close);
        }
    }

    static Decoder load(Golden golden) {
        ModelConfig config = ModelConfig.read(golden.directory());
        return DecoderWeights.load(golden.directory(), config, DType.F32, Device.CPU, false);
    }
}
