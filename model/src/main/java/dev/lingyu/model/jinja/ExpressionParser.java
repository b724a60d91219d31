package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.Expr.Arguments;
import dev.lingyu.model.jinja.Expr.Operand;
import dev.lingyu.model.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// Reads expressions by recursive descent, with jinja2's order of operators, from weak to strong: `if
/// else`, `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`, `**`, sign, then postfixes, filters and
/// tests.
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> MACRO_NAMES = Set.of("varargs", "kwargs", "caller");

    private final TokenStream tokens;
    private final Deque<Set<String>> macroNames = new ArrayDeque<>();

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
    }

    /// Begins to note which of `varargs`, `kwargs`, `caller` are mentioned.
    Set<String> openMacro() {
        Set<String> names = new HashSet<>();
        macroNames.push(names);
        return names;
    }

    void closeMacro() {
        macroNames.pop();
    }

    Expr expression() {
        tokens.enter();
        int line = tokens.line();
        Expr value = or();
        while (tokens.skipName("if")) {
            Expr condition = or();
            Optional<Expr> no = tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
            value = new Expr.Conditional(line, condition, value, no);
        }
        tokens.leave();
        return value;
    }

    /// An expression, or several with commas: a tuple.
    Expr tuple(boolean conditional) {
        return tuple(conditional, false, false);
    }

    private Expr tuple(boolean conditional, boolean parentheses, boolean forHead) {
        int line = tokens.line();
        List<Expr> items = new ArrayList<>();
        boolean comma = false;
        while (!atTupleEnd() && !(forHead && tokens.current().isName("recursive"))) {
            items.add(conditional ? expression() : or());
            if (!tokens.skipOperator(",")) {
                break;
            }
            comma = true;
        }
        if (comma || (items.isEmpty() && parentheses)) {
            return new Expr.TupleOf(line, items);
        }
        if (items.isEmpty()) {
            throw tokens.error(
                    "expected an expression, found " + tokens.current().description());
        }
        return items.getFirst();
    }

    /// What a `for` runs over: no conditional, since `if` filters there.
    Expr iterable() {
        return tuple(false, false, true);
    }

    private boolean atTupleEnd() {
        Token token = tokens.current();
        return token.kind() == Kind.VARIABLE_END || token.kind() == Kind.BLOCK_END || token.isOperator(")");
    }

    private Expr or() {
        int line = tokens.line();
        Expr first = and();
        if (!tokens.current().isName("or")) {
            return first;
        }
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (tokens.skipName("or")) {
            parts.add(and());
        }
        return new Expr.Or(line, parts);
    }

    private Expr and() {
        int line = tokens.line();
        Expr first = not();
        if (!tokens.current().isName("and")) {
            return first;
        }
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (tokens.skipName("and")) {
            parts.add(not());
        }
        return new Expr.And(line, parts);
    }

    private Expr not() {
        int line = tokens.line();
        if (!tokens.skipName("not")) {
            return comparison();
        }
        tokens.enter();
        Expr value = new Expr.Not(line, not());
        tokens.leave();
        return value;
    }

    private Expr comparison() {
        int line = tokens.line();
        Expr first = sum();
        List<Operand> rest = new ArrayList<>();
        while (true) {
            Token token = tokens.current();
            if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
                tokens.next();
                rest.add(new Operand(token.text(), sum()));
            } else if (tokens.skipName("in")) {
                rest.add(new Operand("in", sum()));
            } else if (token.isName("not") && tokens.ahead().isName("in")) {
                tokens.next();
                tokens.next();
                rest.add(new Operand("not in", sum()));
            } else {
                return rest.isEmpty() ? first : new Expr.Compare(line, first, rest);
            }
        }
    }

    private Expr sum() {
        return leftToRight(Set.of("+", "-"), this::concat);
    }

    private Expr concat() {
        int line = tokens.line();
        Expr first = product();
        if (!tokens.current().isOperator("~")) {
            return first;
        }
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (tokens.skipOperator("~")) {
            parts.add(product());
        }
        return new Expr.Concat(line, parts);
    }

    private Expr product() {
        return leftToRight(Set.of("*", "/", "//", "%"), this::power);
    }

    /// From left to right too: `2**3**2` is 64 in jinja2.
    private Expr power() {
        return leftToRight(Set.of("**"), () -> unary(true));
    }

    private Expr leftToRight(Set<String> operators, Supplier<Expr> operand) {
        int line = tokens.line();
        Expr first = operand.get();
        List<Operand> rest = new ArrayList<>();
        while (tokens.current().kind() == Kind.OPERATOR
                && operators.contains(tokens.current().text())) {
            String operator = tokens.next().text();
            rest.add(new Operand(operator, operand.get()));
        }
        return rest.isEmpty() ? first : new Expr.Arithmetic(line, first, rest);
    }

    private Expr unary(boolean withFilters) {
        tokens.enter();
        int line = tokens.line();
        Expr value;
        if (tokens.skipOperator("-")) {
            value = new Expr.Negative(line, unary(false));
        } else if (tokens.skipOperator("+")) {
            value = new Expr.Positive(line, unary(false));
        } else {
            value = primary();
        }
        value = postfixes(value);
        if (withFilters) {
            value = filtersAndTests(value);
        }
        tokens.leave();
        return value;
    }

    private Expr primary() {
        Token token = tokens.current();
        int line = token.line();
        switch (token.kind()) {
            case NAME -> {
                tokens.next();
                return name(line, token.text());
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (tokens.current().kind() == Kind.STRING) {
                    text.append(tokens.next().text());
                }
                return new Expr.Literal(line, text.toString());
            }
            case NUMBER -> {
                tokens.next();
                return new Expr.Literal(line, token.value());
            }
            default -> {
                if (tokens.skipOperator("(")) {
                    Expr value = tuple(true, true, false);
                    tokens.expectOperator(")");
                    return value;
                }
                if (tokens.skipOperator("[")) {
                    return new Expr.ListOf(line, items("]"));
                }
                if (tokens.skipOperator("{")) {
                    return dict(line);
                }
                throw tokens.error("expected an expression, found " + token.description());
            }
        }
    }

    private Expr name(int line, String name) {
        return switch (name) {
            case "true", "True" -> new Expr.Literal(line, true);
            case "false", "False" -> new Expr.Literal(line, false);
            case "none", "None" -> new Expr.Literal(line, None.NONE);
            default -> {
                if (MACRO_NAMES.contains(name)) {
                    macroNames.forEach(names -> names.add(name));
                }
                yield new Expr.Name(line, name);
            }
        };
    }

    private List<Expr> items(String end) {
        List<Expr> items = new ArrayList<>();
        while (!tokens.skipOperator(end)) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(end)) {
                    break;
                }
            }
            items.add(expression());
        }
        return items;
    }

    private Expr dict(int line) {
        List<Map.Entry<Expr, Expr>> items = new ArrayList<>();
        while (!tokens.skipOperator("}")) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator("}")) {
                    break;
                }
            }
            Expr key = expression();
            tokens.expectOperator(":");
            items.add(Map.entry(key, expression()));
        }
        return new Expr.DictOf(line, items);
    }

    private Expr postfixes(Expr start) {
        Expr value = start;
        while (true) {
            int line = tokens.line();
            if (tokens.skipOperator(".")) {
                Token attribute = tokens.next();
                value = switch (attribute.kind()) {
                    case NAME -> new Expr.Attribute(line, value, attribute.text());
                    case NUMBER -> new Expr.Item(line, value, new Expr.Literal(line, attribute.value()));
                    default ->
                        throw tokens.error(
                                line, "expected a name or a number behind '.', found " + attribute.description());
                };
            } else if (tokens.skipOperator("[")) {
                value = new Expr.Item(line, value, subscript(line));
            } else if (tokens.current().isOperator("(")) {
                value = new Expr.Call(line, value, arguments());
            } else {
                return value;
            }
        }
    }

    private Expr subscript(int line) {
        List<Expr> keys = new ArrayList<>();
        while (!tokens.skipOperator("]")) {
            if (!keys.isEmpty()) {
                tokens.expectOperator(",");
            }
            keys.add(sliceOrKey(line));
        }
        return keys.size() == 1 ? keys.getFirst() : new Expr.TupleOf(line, keys);
    }

    private Expr sliceOrKey(int line) {
        Optional<Expr> start = Optional.empty();
        if (!tokens.current().isOperator(":")) {
            Expr key = expression();
            if (!tokens.current().isOperator(":")) {
                return key;
            }
            start = Optional.of(key);
        }
        tokens.expectOperator(":");
        Optional<Expr> stop = slicePart();
        Optional<Expr> step = tokens.skipOperator(":") ? slicePart() : Optional.empty();
        return new Expr.Slice(line, start, stop, step);
    }

    private Optional<Expr> slicePart() {
        Token token = tokens.current();
        boolean absent = token.isOperator(":") || token.isOperator("]") || token.isOperator(",");
        return absent ? Optional.empty() : Optional.of(expression());
    }

    private Expr filtersAndTests(Expr start) {
        Expr value = start;
        while (true) {
            if (tokens.current().isOperator("|")) {
                value = filters(Optional.of(value));
            } else if (tokens.current().isName("is")) {
                value = test(value);
            } else if (tokens.current().isOperator("(")) {
                value = new Expr.Call(tokens.line(), value, arguments());
            } else {
                return value;
            }
        }
    }

    /// `|a|b(…)` behind a value, or behind nothing in the head of a block set.
    Expr.Filter filters(Optional<Expr> start) {
        tokens.expectOperator("|");
        Expr.Filter value = filter(start);
        while (tokens.skipOperator("|")) {
            value = filter(Optional.of(value));
        }
        return value;
    }

    /// `a|b(…)` in the head of a filter block.
    Expr.Filter filterBlockHead() {
        Expr.Filter value = filter(Optional.empty());
        return tokens.current().isOperator("|") ? filters(Optional.of(value)) : value;
    }

    private Expr.Filter filter(Optional<Expr> value) {
        int line = tokens.line();
        String name = dottedName("the name of a filter");
        Arguments arguments = tokens.current().isOperator("(") ? arguments() : Arguments.NONE;
        return new Expr.Filter(line, value, name, arguments);
    }

    private String dottedName(String what) {
        StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME, what).text());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expect(Kind.NAME, what).text());
        }
        return name.toString();
    }

    private Expr test(Expr value) {
        int line = tokens.next().line();
        boolean negated = tokens.skipName("not");
        String name = dottedName("the name of a test");
        Arguments arguments = Arguments.NONE;
        Token token = tokens.current();
        if (token.isOperator("(")) {
            arguments = arguments();
        } else if (beginsOperand(token)) {
            if (token.isName("is")) {
                throw tokens.error("several tests can't be chained with 'is'; write 'a is x and a is y'");
            }
            Expr operand = postfixes(primary());
            arguments = new Arguments(List.of(operand), Map.of(), Optional.empty(), Optional.empty());
        }
        Expr test = new Expr.Test(line, value, name, arguments);
        return negated ? new Expr.Not(line, test) : test;
    }

    private static boolean beginsOperand(Token token) {
        return switch (token.kind()) {
            case NAME -> !token.isName("else") && !token.isName("or") && !token.isName("and");
            case STRING, NUMBER -> true;
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            default -> false;
        };
    }

    private Arguments arguments() {
        int line = tokens.line();
        tokens.expectOperator("(");
        List<Expr> positional = new ArrayList<>();
        Map<String, Expr> keywords = new LinkedHashMap<>();
        Optional<Expr> spread = Optional.empty();
        Optional<Expr> keywordSpread = Optional.empty();
        boolean comma = true;
        while (!tokens.skipOperator(")")) {
            if (!comma) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(")")) {
                    break;
                }
            }
            comma = false;
            boolean misplaced;
            if (tokens.skipOperator("*")) {
                misplaced = spread.isPresent() || keywordSpread.isPresent();
                spread = Optional.of(expression());
            } else if (tokens.skipOperator("**")) {
                misplaced = keywordSpread.isPresent();
                keywordSpread = Optional.of(expression());
            } else if (tokens.current().kind() == Kind.NAME && tokens.ahead().isOperator("=")) {
                String key = tokens.next().text();
                tokens.next();
                misplaced = keywordSpread.isPresent() || keywords.put(key, expression()) != null;
            } else {
                misplaced = spread.isPresent() || keywordSpread.isPresent() || !keywords.isEmpty();
                positional.add(expression());
            }
            if (misplaced) {
                throw tokens.error(line, "the arguments of this call stand in an order that is not allowed");
            }
        }
        return new Arguments(positional, keywords, spread, keywordSpread);
    }
}
