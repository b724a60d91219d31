package dev.lingyu.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntConsumer;

/// Learns a byte-level BPE vocabulary from texts (Sennrich et al. 2016, on bytes as in Radford et
/// al. 2019).
///
/// ```java
/// BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(8000));
/// documents.forEach(trainer::add);
/// TrainedBpe vocabulary = trainer.train(size -> {});
/// vocabulary.save(directory);
/// ```
///
/// The most frequent pair of neighbouring tokens becomes a token, again and again. Among equally
/// frequent pairs the one whose left token has the lower id wins, then the one whose right token
/// has: the order of the texts makes no difference, and Hugging Face's trainer finds the same
/// merges. Unlike there, a merge that would spell a special token is passed over, so that text can
/// never produce one by merging.
///
/// Memory is about 40 bytes per byte of distinct pre-tokens. Not for several threads.
public final class BpeTrainer {

    private final BpeSettings settings;
    private final Map<String, long[]> counts = new HashMap<>();

    /// A trainer that has seen nothing.
    public BpeTrainer(BpeSettings settings) {
        this.settings = settings;
    }

    /// Counts the pre-tokens of one text; nothing is merged across the ends of a text.
    public void add(String text) {
        settings.preTokenizer().split(text, piece -> counts.computeIfAbsent(piece, key -> new long[1])[0]++);
    }

    /// Finds the merges for what was added so far.
    ///
    /// @param progress is told the size of the vocabulary after each merge
    public TrainedBpe train(IntConsumer progress) {
        PairMerges merges = new PairMerges(settings, totalBytes());
        counts.forEach((piece, count) -> merges.addWord(piece.getBytes(StandardCharsets.UTF_8), count[0]));
        return new TrainedBpe(settings, merges.run(progress), merges.merges());
    }

    private int totalBytes() {
        long total = 0;
        for (String piece : counts.keySet()) {
            total += utf8Length(piece);
        }
        if (total > Integer.MAX_VALUE - 8) {
            throw new TokenizerException(
                    "The texts hold %d bytes of distinct pre-tokens, more than the trainer's 2 GiB; train on a sample."
                            .formatted(total));
        }
        return (int) total;
    }

    private static int utf8Length(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }
}
