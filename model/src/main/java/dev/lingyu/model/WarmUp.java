package dev.lingyu.model;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.RowMaximum;
import dev.lingyu.tensor.kernel.Workers;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Computes with a tiny model of the same build while a large one is read, on a thread of its own.
///
/// Java interprets a kernel until it has run often enough to be compiled, thousands of times slower; without this, the
/// first prompt would pay for that. The tiny model goes the way of the large one, with one block of its heads,
/// projections, positions and types; it is wide enough that loops are compiled for many turns.
final class WarmUp implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);

    /// Models below this are read before anything could be compiled.
    private static final long SMALLEST = 50_000_000;

    private static final int WIDEST = 1024;
    private static final int PROMPT = 32;
    private static final int ANSWER = 8;
    private static final int ROUNDS = 200;

    private final Thread thread;
    private volatile boolean ended;

    private WarmUp(ModelConfig config, DType dtype, LanguageModel.Options options) {
        thread = Thread.ofPlatform()
                .name("warm-up")
                .daemon()
                .unstarted(() -> Workers.alone(() -> run(config, dtype, options)));
    }

    /// Begins, where it pays.
    ///
    /// @param config of the large model
    static WarmUp begin(ModelConfig config, DType dtype, LanguageModel.Options options) {
        WarmUp warmUp = new WarmUp(config, dtype, options);
        if (options.packed() && options.device().equals(Device.CPU) && config.parameterCount() >= SMALLEST) {
            warmUp.thread.start();
        }
        return warmUp;
    }

    static DecoderConfig tiny(DecoderConfig config) {
        int group = config.heads() / config.keyValueHeads();
        int keyValueHeads = config.keyValueHeads();
        while (keyValueHeads % 2 == 0 && keyValueHeads * group * config.headSize() > WIDEST) {
            keyValueHeads /= 2;
        }
        boolean asWide = keyValueHeads == config.keyValueHeads();
        return config.toBuilder()
                .layers(1)
                .heads(group * keyValueHeads)
                .keyValueHeads(keyValueHeads)
                .headSize(config.headSize())
                .hiddenSize(asWide ? config.hiddenSize() : keyValueHeads * group * config.headSize())
                .intermediateSize(Math.min(config.intermediateSize(), 4 * WIDEST))
                .vocabularySize(512)
                .build();
    }

    private void run(ModelConfig config, DType dtype, LanguageModel.Options options) {
        try {
            rehearse(config.withDecoder(tiny(config.decoder())), dtype, options, ROUNDS);
        } catch (RuntimeException e) {
            // The large model will say it better, if it is more than this shortcut that fails.
            LOG.debug("Could not warm up", e);
        }
    }

    /// Lets a tiny model answer a prompt again and again.
    void rehearse(ModelConfig tiny, DType dtype, LanguageModel.Options options, int rounds) {
        try (Decoder decoder = DecoderWeights.random(tiny, dtype, 1)) {
            options.quantization().ifPresent(decoder::quantize);
            decoder.pack();
            for (int round = 0; round < rounds && !ended; round++) {
                answer(decoder);
            }
        }
    }

    private void answer(Decoder decoder) {
        try (KvCache cache = new KvCache(decoder, PROMPT + ANSWER)) {
            int[] next = new int[PROMPT];
            Arrays.setAll(next, i -> i);
            for (int i = 0; i < ANSWER && !ended; i++) {
                try (Scope scope = Scope.open();
                        Autograd.Mode off = Autograd.off()) {
                    TokenBatch batch = new TokenBatch(next, new int[] {next.length}, new int[] {cache.length()});
                    Tensor features = decoder.features(batch, List.of(cache));
                    next = RowMaximum.of(decoder.head(features.narrow(0, features.size(0) - 1, 1)));
                }
            }
        }
    }

    /// Ends it; waits for what is being computed.
    @Override
    public void close() {
        ended = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
