package dev.lingyu.engine;

import java.util.List;

/// The token that follows, and how likely the model found it.
///
/// Log-probabilities are the model's own: log-softmax of the raw logits, before penalties, bans, temperature
/// and truncation. They are what OpenAI's API reports and what policy-gradient training needs at temperature
/// 1, and do not change with the request's settings.
///
/// @param id token id
/// @param logprob the chosen token's log-probability; NaN where the request asked for none
/// @param alternatives the most probable tokens, best first, as many as asked for; the chosen one may be
///     among them
public record TokenChoice(int id, float logprob, List<TokenLogprob> alternatives) {
    /// Keeps its own copy of the list.
    public TokenChoice {
        alternatives = List.copyOf(alternatives);
    }
}
