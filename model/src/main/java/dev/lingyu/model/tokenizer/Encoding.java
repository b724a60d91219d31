package dev.lingyu.model.tokenizer;

import java.util.Arrays;

/// Token ids and the place of each token in the text.
///
/// Places are UTF-16 units, so that `text.substring(starts[i], ends[i])` is what token `i` stands
/// for. A token that holds only some bytes of a character covers the whole character, hence
/// neighbours may overlap there.
///
/// @param ids token ids `[tokens]`
/// @param starts first UTF-16 unit of each token `[tokens]`
/// @param ends UTF-16 unit behind each token `[tokens]`
public record Encoding(int[] ids, int[] starts, int[] ends) {

    @Override
    public boolean equals(Object other) {
        return other instanceof Encoding(int[] otherIds, int[] otherStarts, int[] otherEnds)
                && Arrays.equals(ids, otherIds)
                && Arrays.equals(starts, otherStarts)
                && Arrays.equals(ends, otherEnds);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(ids) * 31 + Arrays.hashCode(starts);
    }

    @Override
    public String toString() {
        return "Encoding" + Arrays.toString(ids) + Arrays.toString(starts) + Arrays.toString(ends);
    }
}
