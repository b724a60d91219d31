package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.Stmt.Branch;
import dev.lingyu.model.jinja.Stmt.Macro;
import dev.lingyu.model.jinja.Stmt.Parameter;
import dev.lingyu.model.jinja.Stmt.Target;
import dev.lingyu.model.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Reads the statements of a template.
final class Parser {
    private static final Set<String> FOREIGN =
            Set.of("block", "extends", "import", "include", "from", "autoescape", "do", "trans", "debug");

    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(TokenStream tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    static List<Stmt> parse(String name, String source) {
        TokenStream tokens = new TokenStream(name, Lexer.tokens(name, source));
        return new Parser(tokens).until(Set.of());
    }

    /// Statements up to a tag named in `ends`, whose name stays the current token; with no ends, up to the
    /// last one.
    private List<Stmt> until(Set<String> ends) {
        tokens.enter();
        int start = tokens.line();
        List<Stmt> body = new ArrayList<>();
        while (true) {
            Token token = tokens.next();
            switch (token.kind()) {
                case DATA -> body.add(new Stmt.Text(token.line(), token.text()));
                case VARIABLE_BEGIN -> {
                    body.add(new Stmt.Print(token.line(), expressions.tuple(true)));
                    tokens.expect(Kind.VARIABLE_END, "'}}'");
                }
                case BLOCK_BEGIN -> {
                    Token tag = tokens.current();
                    if (tag.kind() == Kind.NAME && ends.contains(tag.text())) {
                        tokens.leave();
                        return body;
                    }
                    body.addAll(statement());
                    tokens.expect(Kind.BLOCK_END, "'%}'");
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw tokens.error(
                                start,
                                "the block that begins here is never closed: {% " + last(ends) + " %} is missing");
                    }
                    tokens.leave();
                    return body;
                }
            }
        }
    }

    private static String last(Set<String> ends) {
        return ends.stream().filter(end -> end.startsWith("end")).findFirst().orElse("end");
    }

    private List<Stmt> body(String end) {
        List<Stmt> body = bodyUntil(Set.of(end));
        tokens.next();
        return body;
    }

    private List<Stmt> bodyUntil(Set<String> ends) {
        tokens.skipOperator(":");
        tokens.expect(Kind.BLOCK_END, "'%}'");
        return until(ends);
    }

    private List<Stmt> statement() {
        Token tag = tokens.expect(Kind.NAME, "the name of a tag");
        int line = tag.line();
        return switch (tag.text()) {
            case "for" -> List.of(forLoop(line));
            case "if" -> List.of(ifElse(line));
            case "set" -> List.of(set(line));
            case "macro" -> List.of(new Stmt.Define(line, macro(line)));
            case "call" -> List.of(callBlock(line));
            case "filter" -> List.of(new Stmt.FilterBlock(line, expressions.filterBlockHead(), body("endfilter")));
            case "with" -> List.of(with(line));
            case "print" -> print(line);
            case "generation" -> List.of(new Stmt.Generation(line, outsideLoops(() -> body("endgeneration"))));
            case "break" -> List.of(inLoop(new Stmt.Break(line)));
            case "continue" -> List.of(inLoop(new Stmt.Continue(line)));
            default -> {
                if (FOREIGN.contains(tag.text())) {
                    throw tokens.error(line, "the tag '" + tag.text() + "' has no place in a chat template");
                }
                throw tokens.error(line, "encountered unknown tag '" + tag.text() + "'");
            }
        };
    }

    private Stmt inLoop(Stmt statement) {
        if (loops == 0) {
            throw tokens.error(statement.line(), "'break' and 'continue' stand only directly in a loop");
        }
        return statement;
    }

    /// A macro's body, or a generation block's, is a function of its own: no loop outside can be left from
    /// within.
    private <T> T outsideLoops(java.util.function.Supplier<T> read) {
        int outer = loops;
        loops = 0;
        T result = read.get();
        loops = outer;
        return result;
    }

    private Stmt forLoop(int line) {
        Target target = target(false);
        tokens.expectName("in");
        Expr iterable = expressions.iterable();
        Optional<Expr> filter = tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        boolean recursive = tokens.skipName("recursive");
        loops++;
        List<Stmt> body = bodyUntil(Set.of("endfor", "else"));
        loops--;
        List<Stmt> otherwise = tokens.next().isName("else") ? body("endfor") : List.of();
        return new Stmt.For(line, target, iterable, filter, recursive, body, otherwise);
    }

    private Stmt ifElse(int line) {
        List<Branch> branches = new ArrayList<>();
        while (true) {
            Expr condition = expressions.tuple(false);
            branches.add(new Branch(condition, bodyUntil(Set.of("elif", "else", "endif"))));
            Token tag = tokens.next();
            if (!tag.isName("elif")) {
                List<Stmt> otherwise = tag.isName("else") ? body("endif") : List.of();
                return new Stmt.If(line, branches, otherwise);
            }
        }
    }

    private Stmt set(int line) {
        Target target = target(true);
        if (tokens.skipOperator("=")) {
            return new Stmt.Assign(line, target, expressions.tuple(true));
        }
        Optional<Expr.Filter> filter = tokens.current().isOperator("|")
                ? Optional.of(expressions.filters(Optional.empty()))
                : Optional.empty();
        return new Stmt.AssignBlock(line, target, filter, body("endset"));
    }

    private Target target(boolean namespaceFields) {
        int line = tokens.line();
        List<Target> targets = new ArrayList<>();
        boolean comma = false;
        while (tokens.current().kind() == Kind.NAME || tokens.current().isOperator("(")) {
            if (tokens.current().isName("in") && comma) {
                break;
            }
            targets.add(oneTarget(namespaceFields));
            if (!tokens.skipOperator(",")) {
                break;
            }
            comma = true;
        }
        if (targets.isEmpty()) {
            throw tokens.error(
                    "expected a name to assign to, found " + tokens.current().description());
        }
        return comma ? new Target.Unpacked(line, targets) : targets.getFirst();
    }

    private Target oneTarget(boolean namespaceFields) {
        if (tokens.skipOperator("(")) {
            tokens.enter();
            Target inner = target(namespaceFields);
            tokens.expectOperator(")");
            tokens.leave();
            return inner;
        }
        Token name = tokens.next();
        if (namespaceFields && tokens.skipOperator(".")) {
            String field = tokens.expect(Kind.NAME, "the name of a field").text();
            return new Target.NamespaceField(name.line(), name.text(), field);
        }
        return new Target.Variable(assignable(name));
    }

    private String assignable(Token name) {
        if (Set.of("true", "false", "none", "True", "False", "None").contains(name.text())) {
            throw tokens.error(name.line(), "can't assign to '" + name.text() + "'");
        }
        return name.text();
    }

    private Macro macro(int line) {
        String name = assignable(tokens.expect(Kind.NAME, "the name of the macro"));
        Set<String> uses = expressions.openMacro();
        List<Parameter> parameters = parameters(line);
        List<Stmt> body = outsideLoops(() -> body("endmacro"));
        expressions.closeMacro();
        return new Macro(name, parameters, uses, body);
    }

    private List<Parameter> parameters(int line) {
        List<Parameter> parameters = new ArrayList<>();
        tokens.expectOperator("(");
        while (!tokens.skipOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
            }
            String name = assignable(tokens.expect(Kind.NAME, "the name of a parameter"));
            Optional<Expr> value = tokens.skipOperator("=") ? Optional.of(expressions.expression()) : Optional.empty();
            if (value.isEmpty()
                    && !parameters.isEmpty()
                    && parameters.getLast().defaultValue().isPresent()) {
                throw tokens.error(line, "parameter '" + name + "' needs a default, as the one before it has one");
            }
            parameters.add(new Parameter(name, value));
        }
        return parameters;
    }

    private Stmt callBlock(int line) {
        Set<String> uses = expressions.openMacro();
        List<Parameter> parameters = tokens.current().isOperator("(") ? parameters(line) : List.of();
        if (!(expressions.expression() instanceof Expr.Call call)) {
            throw tokens.error(line, "expected the call of a macro behind 'call'");
        }
        List<Stmt> body = outsideLoops(() -> body("endcall"));
        expressions.closeMacro();
        return new Stmt.CallBlock(line, call, new Macro("caller", parameters, uses, body));
    }

    private Stmt with(int line) {
        List<Target> targets = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (tokens.current().kind() != Kind.BLOCK_END) {
            if (!targets.isEmpty()) {
                tokens.expectOperator(",");
            }
            targets.add(oneTarget(false));
            tokens.expectOperator("=");
            values.add(expressions.expression());
        }
        return new Stmt.With(line, targets, values, body("endwith"));
    }

    private List<Stmt> print(int line) {
        List<Stmt> prints = new ArrayList<>();
        while (tokens.current().kind() != Kind.BLOCK_END) {
            if (!prints.isEmpty()) {
                tokens.expectOperator(",");
            }
            prints.add(new Stmt.Print(line, expressions.expression()));
        }
        return prints;
    }
}
