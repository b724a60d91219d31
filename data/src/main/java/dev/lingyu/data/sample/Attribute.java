package dev.lingyu.data.sample;

import java.util.List;
import java.util.Optional;

/// One attribute of products and every way the sample domain talks about it.
///
/// Templates hold `{p}` for the product's name and `{v}` for the value.
///
/// @param id            stable name, also the last part of a fact's id
/// @param name          Chinese name, the column title in the product files
/// @param statement     the one sentence that states the fact; also the reference answer
/// @param clauses       subject-free wordings for product introductions in training
/// @param heldOutClause a wording used only in held-out texts
/// @param questions     training phrasings; empty when the attribute is never asked
/// @param heldOut       phrasings used only in tests
/// @param comparison    how two products are compared, where one value is plainly better or larger
public record Attribute(
        String id,
        String name,
        String statement,
        List<String> clauses,
        String heldOutClause,
        List<String> questions,
        List<String> heldOut,
        Optional<Comparison> comparison) {

    /// How two products are compared by an attribute; templates hold `{a}`, `{b}`, `{va}` and `{vb}`, `a`
    /// being the winner in `answer`.
    ///
    /// @param smallerWins whether the smaller value answers the question (price, noise)
    /// @param questions   training phrasings
    /// @param answer      the answer's template
    public record Comparison(boolean smallerWins, List<String> questions, String answer) {}
}
