package dev.lingyu.model.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An expression of the template language. `line` is where it stands in the template.
sealed interface Expr {
    int line();

    /// A literal: String, Long, BigInteger, Double, Boolean or None.
    record Literal(int line, Object value) implements Expr {}

    record Name(int line, String name) implements Expr {}

    record ListOf(int line, List<Expr> items) implements Expr {}

    record TupleOf(int line, List<Expr> items) implements Expr {}

    record DictOf(int line, List<Map.Entry<Expr, Expr>> items) implements Expr {}

    /// `object.name`: methods come before keys.
    record Attribute(int line, Expr object, String name) implements Expr {}

    /// `object[key]`: keys come before methods.
    record Item(int line, Expr object, Expr key) implements Expr {}

    /// `[start:stop:step]`, only as the key of an [Item].
    record Slice(int line, Optional<Expr> start, Optional<Expr> stop, Optional<Expr> step) implements Expr {}

    record Call(int line, Expr function, Arguments arguments) implements Expr {}

    /// `value|name(…)`; in a filter block the value is the block's text.
    record Filter(int line, Optional<Expr> value, String name, Arguments arguments) implements Expr {}

    record Test(int line, Expr value, String name, Arguments arguments) implements Expr {}

    record Not(int line, Expr value) implements Expr {}

    record Negative(int line, Expr value) implements Expr {}

    record Positive(int line, Expr value) implements Expr {}

    record And(int line, List<Expr> parts) implements Expr {}

    record Or(int line, List<Expr> parts) implements Expr {}

    /// `first op operand op operand …` for operators of one rank, from left to right.
    record Arithmetic(int line, Expr first, List<Operand> rest) implements Expr {}

    /// `a < b <= c`: true when every neighbouring pair compares so.
    record Compare(int line, Expr first, List<Operand> rest) implements Expr {}

    /// `a ~ b`: both printed.
    record Concat(int line, List<Expr> parts) implements Expr {}

    record Conditional(int line, Expr condition, Expr yes, Optional<Expr> no) implements Expr {}

    /// An operator and what stands to its right.
    record Operand(String operator, Expr value) {}

    /// The arguments of a call, a filter or a test; `spread` is `*list`, `keywordSpread` is `**dict`.
    record Arguments(
            List<Expr> positional, Map<String, Expr> keywords, Optional<Expr> spread, Optional<Expr> keywordSpread) {
        static final Arguments NONE = new Arguments(List.of(), Map.of(), Optional.empty(), Optional.empty());
    }
}
