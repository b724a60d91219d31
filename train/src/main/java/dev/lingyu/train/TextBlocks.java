package dev.lingyu.train;

import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Plain texts to rows of at most `cutoff_len` tokens, with a label everywhere.
///
/// Packed, documents are laid end to end, each with an end token behind it, and cut every `cutoff_len` tokens.
/// Unpacked, each document begins a row of its own, and one that is longer goes on in the next. Either way no
/// token is thrown away.
final class TextBlocks {
    private final Tokenizer tokenizer;
    private final int cutoff;
    private final boolean packing;
    private final OptionalInt end;
    private int[] open = new int[0];

    TextBlocks(Tokenizer tokenizer, int cutoff, boolean packing) {
        this.tokenizer = tokenizer;
        this.cutoff = cutoff;
        this.packing = packing;
        this.end = tokenizer.eosTokenId();
    }

    /// A text as ids with the end token behind it. Safe for many threads.
    int[] tokens(String text) {
        int[] ids = tokenizer.encodeWithSpecialTokens(text);
        if (end.isEmpty()) {
            return ids;
        }
        int[] ended = Arrays.copyOf(ids, ids.length + 1);
        ended[ids.length] = end.getAsInt();
        return ended;
    }

    /// The rows that a text completes.
    List<TrainingRow> add(int[] tokens) {
        int[] all = Arrays.copyOf(open, open.length + tokens.length);
        System.arraycopy(tokens, 0, all, open.length, tokens.length);
        List<TrainingRow> rows = new ArrayList<>();
        int at = 0;
        for (; all.length - at >= cutoff; at += cutoff) {
            rows.add(TrainingRow.all(Arrays.copyOfRange(all, at, at + cutoff)));
        }
        open = Arrays.copyOfRange(all, at, all.length);
        if (!packing) {
            finish().ifPresent(rows::add);
        }
        return rows;
    }

    /// The last, shorter row of the texts so far.
    Optional<TrainingRow> finish() {
        int[] rest = open;
        open = new int[0];
        return rest.length < 2 ? Optional.empty() : Optional.of(TrainingRow.all(rest));
    }
}
