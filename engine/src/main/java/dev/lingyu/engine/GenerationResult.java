package dev.lingyu.engine;

import java.util.List;
import java.util.OptionalDouble;

/// A finished request.
///
/// @param choices      its sequences
/// @param promptTokens tokens of the prompt
public record GenerationResult(List<Choice> choices, int promptTokens) {
    /// One sequence.
    ///
    /// @param tokens the new tokens; an end token that stopped it is the last
    /// @param text   their text without special tokens and without the stop string; empty where there is no
    ///               tokenizer
    /// @param reason why it ended
    /// @param score  of an answer of beam search: its log-probability / its tokens ^ length penalty; empty for
    ///               other decoders
    public record Choice(List<TokenChoice> tokens, String text, FinishReason reason, OptionalDouble score) {
        /// The ids of the new tokens.
        public int[] ids() {
            return tokens.stream().mapToInt(TokenChoice::id).toArray();
        }
    }

    /// New tokens of all sequences.
    public int completionTokens() {
        return choices.stream().mapToInt(c -> c.tokens().size()).sum();
    }
}
