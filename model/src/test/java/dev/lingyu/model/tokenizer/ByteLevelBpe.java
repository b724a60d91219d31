package dev.lingyu.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The plainest encoder that follows the definition: cut, spell in byte letters, then do the merge
/// that was learned first until none applies. Slow on purpose; it checks the fast one.
final class ByteLevelBpe {

    private final PreTokenizer preTokenizer;
    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<TrainedBpe.Merge, Integer> ranks = new HashMap<>();

    ByteLevelBpe(TrainedBpe vocabulary) {
        this.preTokenizer = vocabulary.settings().preTokenizer();
        vocabulary.tokens().forEach(token -> ids.put(token, ids.size()));
        vocabulary.merges().forEach(merge -> ranks.put(merge, ranks.size()));
    }

    List<Integer> encode(String text) {
        List<Integer> encoded = new ArrayList<>();
        preTokenizer.split(text, piece -> {
            List<String> tokens = new ArrayList<>();
            for (byte value : piece.getBytes(StandardCharsets.UTF_8)) {
                tokens.add(String.valueOf(ByteLetters.letter(value & 0xFF)));
            }
            while (mergeFirst(tokens)) {}
            tokens.forEach(token -> encoded.add(ids.get(token)));
        });
        return encoded;
    }

    private boolean mergeFirst(List<String> tokens) {
        int best = -1;
        int bestRank = Integer.MAX_VALUE;
        for (int i = 0; i + 1 < tokens.size(); i++) {
            Integer rank = ranks.get(new TrainedBpe.Merge(tokens.get(i), tokens.get(i + 1)));
            if (rank != null && rank < bestRank) {
                best = i;
                bestRank = rank;
            }
        }
        if (best < 0) {
            return false;
        }
        tokens.set(best, tokens.get(best) + tokens.remove(best + 1));
        return true;
    }
}
