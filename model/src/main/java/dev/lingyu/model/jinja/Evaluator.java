package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.Expr.Arguments;
import dev.lingyu.model.jinja.Expr.Operand;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Computes expressions for one rendering.
final class Evaluator {
    private final Budget budget;
    private final Printer printer;
    private final Operators operators;
    private final Access access;
    private final ValueTests tests;
    private final Filters filters;
    private final Functions functions;
    /// The line of the part evaluated last: where a failure is reported.
    private int line = 1;

    Evaluator(Budget budget, Clock clock) {
        this.budget = budget;
        this.printer = new Printer(budget);
        this.operators = new Operators(budget, printer);
        this.access = new StringMethods(budget, operators, printer).access();
        this.tests = new ValueTests(operators, access, printer);
        this.filters = new Filters(budget, printer, operators, access, tests);
        this.functions = new Functions(budget, access, printer, clock);
    }

    int line() {
        return line;
    }

    void at(int newLine) {
        line = newLine;
    }

    Printer printer() {
        return printer;
    }

    Access access() {
        return access;
    }

    Map<String, Object> functions() {
        return functions.all();
    }

    boolean truth(Expr expression, Scope scope) {
        return Operators.truth(value(expression, scope));
    }

    Object value(Expr expression, Scope scope) {
        budget.enter();
        line = expression.line();
        Object value = compute(expression, scope);
        budget.leave();
        return value;
    }

    private Object compute(Expr expression, Scope scope) {
        return switch (expression) {
            case Expr.Literal literal -> literal.value();
            case Expr.Name name -> scope.get(name.name());
            case Expr.ListOf list -> values(list.items(), scope);
            case Expr.TupleOf tuple -> new Tuple(values(tuple.items(), scope));
            case Expr.DictOf dict -> dict(dict, scope);
            case Expr.Attribute attribute -> {
                Object object = value(attribute.object(), scope);
                line = attribute.line();
                yield access.attribute(object, attribute.name());
            }
            case Expr.Item item -> item(item, scope);
            case Expr.Slice _ -> throw new Fault("a slice a:b stands only alone between the brackets");
            case Expr.Call call -> call(call, scope, Optional.empty());
            case Expr.Filter filter -> {
                Object input = filter.value()
                        .map(inner -> value(inner, scope))
                        .orElseThrow(() -> new Fault("a filter block's filter stands outside of its block"));
                yield filter(filter, input, scope);
            }
            case Expr.Test test -> {
                Object input = value(test.value(), scope);
                Args args = arguments(test.arguments(), scope);
                line = test.line();
                yield tests.holds(test.name(), input, args);
            }
            case Expr.Not not -> !truth(not.value(), scope);
            case Expr.Negative negative -> operators.negative(value(negative.value(), scope));
            case Expr.Positive positive -> operators.positive(value(positive.value(), scope));
            case Expr.And and -> shortCircuit(and.parts(), scope, false);
            case Expr.Or or -> shortCircuit(or.parts(), scope, true);
            case Expr.Arithmetic arithmetic -> {
                Object result = value(arithmetic.first(), scope);
                for (Operand operand : arithmetic.rest()) {
                    Object right = value(operand.value(), scope);
                    line = operand.value().line();
                    result = operators.arithmetic(operand.operator(), result, right);
                }
                yield result;
            }
            case Expr.Compare compare -> compare(compare, scope);
            case Expr.Concat concat -> {
                StringBuilder out = new StringBuilder();
                for (Expr part : concat.parts()) {
                    out.append(printer.text(value(part, scope)));
                    budget.string(out.length());
                }
                yield out.toString();
            }
            case Expr.Conditional conditional -> {
                if (truth(conditional.condition(), scope)) {
                    yield value(conditional.yes(), scope);
                }
                yield conditional
                        .no()
                        .map(no -> value(no, scope))
                        .orElse(new Undefined(
                                "the inline if-expression evaluated to false and no else section was" + " defined"));
            }
        };
    }

    private List<Object> values(List<Expr> expressions, Scope scope) {
        List<Object> values = new ArrayList<>(expressions.size());
        for (Expr expression : expressions) {
            values.add(value(expression, scope));
        }
        return values;
    }

    private Map<Object, Object> dict(Expr.DictOf literal, Scope scope) {
        Map<Object, Object> dict = new LinkedHashMap<>();
        for (Map.Entry<Expr, Expr> item : literal.items()) {
            Object key = value(item.getKey(), scope);
            access.put(dict, key, value(item.getValue(), scope));
        }
        return dict;
    }

    private Object item(Expr.Item item, Scope scope) {
        Object object = value(item.object(), scope);
        if (item.key() instanceof Expr.Slice slice) {
            Object start = part(slice.start(), scope);
            Object stop = part(slice.stop(), scope);
            Object step = part(slice.step(), scope);
            line = item.line();
            return access.slice(object, start, stop, step);
        }
        Object key = value(item.key(), scope);
        line = item.line();
        return access.item(object, key);
    }

    private Object part(Optional<Expr> expression, Scope scope) {
        return expression.map(part -> value(part, scope)).orElse(None.NONE);
    }

    private Object shortCircuit(List<Expr> parts, Scope scope, boolean until) {
        Object value = None.NONE;
        for (Expr part : parts) {
            value = value(part, scope);
            if (Operators.truth(value) == until) {
                break;
            }
        }
        return value;
    }

    private boolean compare(Expr.Compare compare, Scope scope) {
        Object left = value(compare.first(), scope);
        for (Operand operand : compare.rest()) {
            Object right = value(operand.value(), scope);
            line = operand.value().line();
            boolean holds = switch (operand.operator()) {
                case "in" -> access.contains(right, left);
                case "not in" -> !access.contains(right, left);
                default -> operators.holds(operand.operator(), left, right);
            };
            if (!holds) {
                return false;
            }
            left = right;
        }
        return true;
    }

    Object filter(Expr.Filter filter, Object input, Scope scope) {
        Args args = arguments(filter.arguments(), scope);
        line = filter.line();
        return filters.apply(filter.name(), input, args);
    }

    /// Applies a chain of filters whose innermost has no value of its own to `input`.
    Object filterChain(Expr.Filter filter, Object input, Scope scope) {
        Object inner = filter.value()
                .map(value -> filterChain((Expr.Filter) value, input, scope))
                .orElse(input);
        return filter(filter, inner, scope);
    }

    /// Calls what the expression names; `caller` is the body of a call block.
    Object call(Expr.Call call, Scope scope, Optional<Function> caller) {
        Object function = value(call.function(), scope);
        Args args = arguments(call.arguments(), scope);
        if (caller.isPresent()) {
            Map<String, Object> keywords = new LinkedHashMap<>(args.keywords());
            keywords.put("caller", caller.get());
            args = new Args(args.positional(), keywords);
        }
        line = call.line();
        budget.enter();
        Object result = switch (function) {
            case Function known -> known.call(args);
            case Loop loop -> loop.call(args);
            case Undefined undefined -> throw undefined.fault();
            default -> throw new Fault("'" + Operators.typeName(function) + "' object is not callable");
        };
        budget.leave();
        return result;
    }

    private Args arguments(Arguments arguments, Scope scope) {
        if (arguments == Arguments.NONE) {
            return Args.NONE;
        }
        List<Object> positional = values(arguments.positional(), scope);
        Map<String, Object> keywords = new LinkedHashMap<>();
        arguments.keywords().forEach((name, expression) -> keywords.put(name, value(expression, scope)));
        arguments.spread().ifPresent(spread -> positional.addAll(access.iterate(value(spread, scope))));
        arguments.keywordSpread().ifPresent(spread -> {
            if (!(value(spread, scope) instanceof Map<?, ?> map)) {
                throw new Fault("the argument behind ** must be a mapping");
            }
            map.forEach((name, value) -> {
                if (keywords.put(printer.text(name), value) != null) {
                    throw new Fault("got multiple values for the keyword argument '" + printer.text(name) + "'");
                }
            });
        });
        budget.elements(positional.size());
        return new Args(positional, keywords.isEmpty() ? new HashMap<>() : keywords);
    }
}
