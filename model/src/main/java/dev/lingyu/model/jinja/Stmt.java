package dev.lingyu.model.jinja;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A statement of the template language. `line` is where it stands in the template.
sealed interface Stmt {
    int line();

    /// Template text.
    record Text(int line, String text) implements Stmt {}

    /// `{{ value }}`.
    record Print(int line, Expr value) implements Stmt {}

    record If(int line, List<Branch> branches, List<Stmt> otherwise) implements Stmt {}

    record Branch(Expr condition, List<Stmt> body) {}

    record For(
            int line,
            Target target,
            Expr iterable,
            Optional<Expr> filter,
            boolean recursive,
            List<Stmt> body,
            List<Stmt> otherwise)
            implements Stmt {}

    record Break(int line) implements Stmt {}

    record Continue(int line) implements Stmt {}

    record Assign(int line, Target target, Expr value) implements Stmt {}

    /// `{% set name %}…{% endset %}`, where `filter` holds the filters named in the tag.
    record AssignBlock(int line, Target target, Optional<Expr.Filter> filter, List<Stmt> body) implements Stmt {}

    record Define(int line, Macro macro) implements Stmt {}

    /// `{% call(…) macro(…) %}…{% endcall %}`.
    record CallBlock(int line, Expr.Call call, Macro body) implements Stmt {}

    record FilterBlock(int line, Expr.Filter filter, List<Stmt> body) implements Stmt {}

    record With(int line, List<Target> targets, List<Expr> values, List<Stmt> body) implements Stmt {}

    /// `{% generation %}…{% endgeneration %}`: text that the assistant wrote.
    record Generation(int line, List<Stmt> body) implements Stmt {}

    /// What `macro` and `call` declare. `uses` holds those of `varargs`, `kwargs` and `caller` that the
    /// body mentions.
    record Macro(String name, List<Parameter> parameters, Set<String> uses, List<Stmt> body) {}

    record Parameter(String name, Optional<Expr> defaultValue) {}

    /// Where an assignment puts its value.
    sealed interface Target {
        record Variable(String name) implements Target {}

        record NamespaceField(int line, String namespace, String field) implements Target {}

        record Unpacked(int line, List<Target> targets) implements Target {}
    }
}
