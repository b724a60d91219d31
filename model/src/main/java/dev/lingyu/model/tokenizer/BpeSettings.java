package dev.lingyu.model.tokenizer;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/// What a byte-level vocabulary should be like.
///
/// Ids are laid out as BLOOM's: special tokens first, then the 256 byte letters, then one token per
/// merge.
///
/// @param vocabularySize how many tokens to end with; fewer when the texts give no more
/// @param minimumFrequency a pair that occurs less often is not merged
/// @param preTokenizer where text is cut before merging
/// @param specialTokens ids 0, 1, 2 …
/// @param unk names the special token for what can't be spelled; byte-level text never needs it
/// @param bos names the special token that begins a text
/// @param eos names the special token that ends a text
/// @param pad names the special token that fills rows
public record BpeSettings(
        int vocabularySize,
        long minimumFrequency,
        PreTokenizer preTokenizer,
        List<String> specialTokens,
        Optional<String> unk,
        Optional<String> bos,
        Optional<String> eos,
        Optional<String> pad) {

    /// A pair that occurs once says nothing about the language.
    public static final long DEFAULT_MINIMUM_FREQUENCY = 2;

    private static final int BYTES = 256;

    /// Checks that the parts fit together.
    ///
    /// @throws TokenizerException naming the setting that does not fit
    public BpeSettings {
        specialTokens = List.copyOf(specialTokens);
        if (specialTokens.stream().anyMatch(String::isEmpty)) {
            throw new TokenizerException("A special token is empty; give each at least one character, like \"<s>\".");
        }
        if (new HashSet<>(specialTokens).size() != specialTokens.size()) {
            throw new TokenizerException(
                    "A special token is named twice in %s; name each once.".formatted(specialTokens));
        }
        for (String token : specialTokens) {
            if (token.length() == 1 && ByteLetters.value(token.charAt(0)) >= 0) {
                throw new TokenizerException(
                        "The special token \"%s\" is one of the 256 byte letters; give it a longer name."
                                .formatted(token));
            }
        }
        for (Optional<String> role : List.of(unk, bos, eos, pad)) {
            if (role.isPresent() && !specialTokens.contains(role.get())) {
                throw new TokenizerException("\"%s\" has a role but is not among the special tokens %s; add it there."
                        .formatted(role.get(), specialTokens));
            }
        }
        int least = specialTokens.size() + BYTES;
        if (vocabularySize < least) {
            throw new TokenizerException(
                    "A vocabulary of %d tokens is too small: %d special tokens and 256 bytes need %d; ask for more."
                            .formatted(vocabularySize, specialTokens.size(), least));
        }
        if (minimumFrequency < 1) {
            throw new TokenizerException(
                    "The minimum frequency of a pair is %d; it must be 1 or more.".formatted(minimumFrequency));
        }
    }

    /// BLOOM's layout and cuts: `<unk> <s> </s> <pad>` are ids 0 to 3.
    public static BpeSettings bloom(int vocabularySize) {
        return new BpeSettings(
                vocabularySize,
                DEFAULT_MINIMUM_FREQUENCY,
                PreTokenizer.BLOOM,
                List.of("<unk>", "<s>", "</s>", "<pad>"),
                Optional.of("<unk>"),
                Optional.of("<s>"),
                Optional.of("</s>"),
                Optional.of("<pad>"));
    }

    /// Qwen2's cuts with its chat markers: `<|endoftext|> <|im_start|> <|im_end|>` are ids 0 to 2.
    public static BpeSettings qwen2(int vocabularySize) {
        return new BpeSettings(
                vocabularySize,
                DEFAULT_MINIMUM_FREQUENCY,
                PreTokenizer.QWEN2,
                List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
                Optional.empty(),
                Optional.empty(),
                Optional.of("<|im_end|>"),
                Optional.of("<|endoftext|>"));
    }

    /// The same with other cuts.
    public BpeSettings withPreTokenizer(PreTokenizer other) {
        return new BpeSettings(vocabularySize, minimumFrequency, other, specialTokens, unk, bos, eos, pad);
    }

    /// The same with another minimum frequency.
    public BpeSettings withMinimumFrequency(long other) {
        return new BpeSettings(vocabularySize, other, preTokenizer, specialTokens, unk, bos, eos, pad);
    }

    /// The same with further special tokens behind those that are there.
    public BpeSettings withMoreSpecialTokens(List<String> more) {
        List<String> all = new ArrayList<>(specialTokens);
        all.addAll(more);
        return new BpeSettings(vocabularySize, minimumFrequency, preTokenizer, all, unk, bos, eos, pad);
    }
}
