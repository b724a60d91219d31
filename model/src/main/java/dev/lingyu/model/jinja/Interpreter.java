package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.Stmt.Macro;
import dev.lingyu.model.jinja.Stmt.Parameter;
import dev.lingyu.model.jinja.Stmt.Target;
import dev.lingyu.model.jinja.Template.Span;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Runs statements for one rendering.
final class Interpreter {
    /// How a statement ended.
    private enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    private final Budget budget;
    private final Evaluator evaluator;
    private final StringBuilder root = new StringBuilder();
    private final List<Span> generations = new ArrayList<>();
    private final List<Integer> pieces = new ArrayList<>();
    private StringBuilder out = root;

    Interpreter(Budget budget, Evaluator evaluator) {
        this.budget = budget;
        this.evaluator = evaluator;
    }

    Template.Rendering run(List<Stmt> body, Map<String, Object> variables) {
        Map<String, Object> names = new LinkedHashMap<>(evaluator.functions());
        names.putAll(variables);
        execute(body, new Scope(names));
        return new Template.Rendering(root.toString(), List.copyOf(generations), List.copyOf(pieces));
    }

    private Flow execute(List<Stmt> body, Scope scope) {
        budget.enter();
        Flow flow = Flow.NEXT;
        for (Stmt statement : body) {
            budget.step();
            evaluator.at(statement.line());
            flow = execute(statement, scope);
            if (flow != Flow.NEXT) {
                break;
            }
        }
        budget.leave();
        return flow;
    }

    private Flow execute(Stmt statement, Scope scope) {
        switch (statement) {
            case Stmt.Text text -> write(text.text());
            case Stmt.Print print -> write(evaluator.printer().text(evaluator.value(print.value(), scope)));
            case Stmt.If choice -> {
                for (Stmt.Branch branch : choice.branches()) {
                    if (evaluator.truth(branch.condition(), scope)) {
                        return execute(branch.body(), scope);
                    }
                }
                return execute(choice.otherwise(), scope);
            }
            case Stmt.For loop -> loop(loop, evaluator.value(loop.iterable(), scope), scope, 0);
            case Stmt.Break _ -> {
                return Flow.BREAK;
            }
            case Stmt.Continue _ -> {
                return Flow.CONTINUE;
            }
            case Stmt.Assign assign -> assign(assign.target(), evaluator.value(assign.value(), scope), scope);
            case Stmt.AssignBlock block -> {
                Object text = capture(block.body(), scope.inner());
                Object value = block.filter()
                        .map(filter -> evaluator.filterChain(filter, text, scope))
                        .orElse(text);
                assign(block.target(), value, scope);
            }
            case Stmt.Define define -> scope.set(define.macro().name(), function(define.macro(), scope));
            case Stmt.CallBlock block -> {
                Function body = function(block.body(), scope);
                write(evaluator.printer().text(evaluator.call(block.call(), scope, Optional.of(body))));
            }
            case Stmt.FilterBlock block -> {
                Scope inner = scope.inner();
                String text = capture(block.body(), inner);
                write(evaluator.printer().text(evaluator.filterChain(block.filter(), text, inner)));
            }
            case Stmt.With with -> {
                Scope inner = scope.inner();
                for (int i = 0; i < with.targets().size(); i++) {
                    assign(with.targets().get(i), evaluator.value(with.values().get(i), scope), inner);
                }
                return execute(with.body(), inner);
            }
            case Stmt.Generation generation -> {
                int start = out.length();
                execute(generation.body(), scope.inner());
                if (out == root) {
                    generations.add(new Span(start, out.length()));
                }
            }
        }
        return Flow.NEXT;
    }

    private void write(String text) {
        budget.string((long) out.length() + text.length());
        if (out == root && !text.isEmpty()) {
            pieces.add(out.length());
        }
        out.append(text);
    }

    /// What the statements print, instead of printing it.
    private String capture(List<Stmt> body, Scope scope) {
        StringBuilder outer = out;
        out = new StringBuilder();
        execute(body, scope);
        String text = out.toString();
        out = outer;
        return text;
    }

    private void loop(Stmt.For loop, Object iterable, Scope scope, int depth) {
        List<Object> elements = evaluator.access().iterate(iterable);
        if (loop.filter().isPresent()) {
            elements = filtered(loop, elements, scope);
        }
        if (elements.isEmpty()) {
            execute(loop.otherwise(), scope.inner());
            return;
        }
        Optional<Function> recursion = loop.recursive()
                ? Optional.of(new Function("loop", args -> recurse(loop, args, scope, depth + 1)))
                : Optional.empty();
        Loop state = new Loop(elements, depth, recursion);
        for (int i = 0; i < elements.size(); i++) {
            budget.step();
            state.moveTo(i);
            Scope inner = scope.inner();
            inner.set("loop", state);
            assign(loop.target(), elements.get(i), inner);
            if (execute(loop.body(), inner) == Flow.BREAK) {
                break;
            }
        }
    }

    private Object recurse(Stmt.For loop, Args args, Scope scope, int depth) {
        Object iterable = args.bind("loop", "iterable").required("iterable");
        StringBuilder outer = out;
        out = new StringBuilder();
        loop(loop, iterable, scope, depth);
        String text = out.toString();
        out = outer;
        return text;
    }

    private List<Object> filtered(Stmt.For loop, List<Object> elements, Scope scope) {
        List<Object> kept = new ArrayList<>();
        for (Object element : elements) {
            Scope inner = scope.inner();
            assign(loop.target(), element, inner);
            if (loop.filter().filter(test -> evaluator.truth(test, inner)).isPresent()) {
                kept.add(element);
            }
        }
        return kept;
    }

    private void assign(Target target, Object value, Scope scope) {
        switch (target) {
            case Target.Variable variable -> scope.set(variable.name(), value);
            case Target.NamespaceField field -> {
                if (!(scope.get(field.namespace()) instanceof Namespace namespace)) {
                    throw new Fault("cannot assign attribute on non-namespace object '" + field.namespace() + "'");
                }
                namespace.put(field.field(), value);
            }
            case Target.Unpacked unpacked -> {
                if (value instanceof Undefined undefined) {
                    throw undefined.fault();
                }
                List<Object> values = evaluator.access().iterate(value);
                List<Target> targets = unpacked.targets();
                if (values.size() != targets.size()) {
                    throw new Fault("expected " + targets.size() + " values to unpack, found " + values.size());
                }
                for (int i = 0; i < targets.size(); i++) {
                    assign(targets.get(i), values.get(i), scope);
                }
            }
        }
    }

    private Function function(Macro macro, Scope definition) {
        return new Function(macro.name(), args -> {
            Scope scope = definition.inner();
            bind(macro, args, scope);
            return capture(macro.body(), scope);
        });
    }

    private void bind(Macro macro, Args args, Scope scope) {
        List<Parameter> parameters = macro.parameters();
        Map<String, Object> keywords = new LinkedHashMap<>(args.keywords());
        for (int i = 0; i < parameters.size(); i++) {
            Parameter parameter = parameters.get(i);
            Object given = i < args.positional().size() ? args.positional().get(i) : keywords.remove(parameter.name());
            Object value = given != null
                    ? given
                    : parameter
                            .defaultValue()
                            .map(expression -> evaluator.value(expression, scope))
                            .orElseGet(() -> new Undefined("parameter '" + parameter.name() + "' was not provided"));
            scope.set(parameter.name(), value);
        }
        if (macro.uses().contains("caller")
                && parameters.stream().noneMatch(p -> p.name().equals("caller"))) {
            Object caller = keywords.remove("caller");
            scope.set("caller", caller == null ? new Undefined("No caller defined") : caller);
        }
        if (macro.uses().contains("kwargs")) {
            scope.set("kwargs", new LinkedHashMap<Object, Object>(keywords));
        } else if (!keywords.isEmpty()) {
            throw new Fault("macro '" + macro.name() + "' takes no keyword argument '"
                    + keywords.keySet().iterator().next() + "'");
        }
        Args extra = args.rest(parameters.size());
        if (macro.uses().contains("varargs")) {
            scope.set("varargs", new Tuple(extra.list()));
        } else if (!extra.positional().isEmpty()) {
            throw new Fault("macro '" + macro.name() + "' takes not more than " + parameters.size() + " argument(s)");
        }
    }
}
