package dev.lingyu.model.tokenizer;

import java.util.Arrays;

/// Two texts as one row with special tokens, as cross-encoders read them.
///
/// @param ids token ids `[tokens]`
/// @param typeIds 0 for the first text and its special tokens, 1 for the second, as the tokenizer's
///     template says `[tokens]`
public record PairEncoding(int[] ids, int[] typeIds) {

    @Override
    public boolean equals(Object other) {
        return other instanceof PairEncoding(int[] otherIds, int[] otherTypes)
                && Arrays.equals(ids, otherIds)
                && Arrays.equals(typeIds, otherTypes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(ids) * 31 + Arrays.hashCode(typeIds);
    }

    @Override
    public String toString() {
        return "PairEncoding" + Arrays.toString(ids) + Arrays.toString(typeIds);
    }
}
