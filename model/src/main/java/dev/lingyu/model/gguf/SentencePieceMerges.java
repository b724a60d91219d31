package dev.lingyu.model.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.lingyu.tensor.gguf.GgufValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// The merges that SentencePiece's scores amount to: two tokens become the one they spell, the best score first
/// (as transformers' `generate_merges` lists them).
final class SentencePieceMerges {
    private SentencePieceMerges() {}

    private record Merge(String left, String right, double score) {}

    /// @throws GgufException when there is not a score for each token
    static ArrayNode of(GgufVocabulary vocabulary) {
        Optional<GgufValue.Numbers> scores = vocabulary.metadata().numbers(GgufVocabulary.SCORES);
        if (scores.isEmpty() || scores.get().count() != vocabulary.size()) {
            throw new GgufException("%s, metadata \"%s\": expected one for each of the %d tokens, found %s."
                    .formatted(
                            vocabulary.metadata().file(),
                            GgufVocabulary.SCORES,
                            vocabulary.size(),
                            scores.map(s -> "" + s.count()).orElse("none")));
        }
        List<Merge> merges = new ArrayList<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.kind(id) == TokenKind.NORMAL) {
                collect(vocabulary, vocabulary.token(id), scores.get().real(id), merges);
            }
        }
        merges.sort(Comparator.comparingDouble(Merge::score)
                .thenComparingInt(merge -> merge.left().length())
                .thenComparingInt(merge -> merge.right().length())
                .reversed());
        ArrayNode listed = JsonNodeFactory.instance.arrayNode();
        merges.forEach(merge -> listed.add(merge.left() + " " + merge.right()));
        return listed;
    }

    private static void collect(GgufVocabulary vocabulary, String token, double score, List<Merge> merges) {
        for (int at = token.offsetByCodePoints(0, 1); at < token.length(); at = token.offsetByCodePoints(at, 1)) {
            String left = token.substring(0, at);
            String right = token.substring(at);
            if (isPiece(vocabulary, left) && isPiece(vocabulary, right)) {
                merges.add(new Merge(left, right, score));
            }
        }
    }

    private static boolean isPiece(GgufVocabulary vocabulary, String text) {
        OptionalInt id = vocabulary.id(text);
        return id.isPresent() && vocabulary.kind(id.getAsInt()) == TokenKind.NORMAL;
    }
}
