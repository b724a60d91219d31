package dev.lingyu.model.jinja;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The functions every template can call: `range`, `dict`, `namespace`, `raise_exception`, `strftime_now`.
final class Functions {
    private final Budget budget;
    private final Access access;
    private final Printer printer;
    private final Clock clock;

    Functions(Budget budget, Access access, Printer printer, Clock clock) {
        this.budget = budget;
        this.access = access;
        this.printer = printer;
        this.clock = clock;
    }

    Map<String, Object> all() {
        Map<String, Object> all = new LinkedHashMap<>();
        for (Function function : List.of(
                new Function("range", this::range),
                new Function("dict", this::dict),
                new Function("namespace", this::namespace),
                new Function("raise_exception", args -> {
                    Object message = args.bind("raise_exception", "message").required("message");
                    throw new Fault(TemplateException.Kind.RAISED, printer.text(message));
                }),
                new Function(
                        "strftime_now",
                        args -> Strftime.format(
                                args.bind("strftime_now", "format").string("format"), ZonedDateTime.now(clock))))) {
            all.put(function.name(), function);
        }
        return all;
    }

    private Object range(Args args) {
        List<Object> given = args.positional();
        if (given.isEmpty() || given.size() > 3 || !args.keywords().isEmpty()) {
            throw new Fault("range expected 1 to 3 arguments, found " + given.size());
        }
        for (Object value : given) {
            if (value instanceof Double) {
                throw new Fault("'float' object cannot be interpreted as an integer");
            }
        }
        long first = Operators.index(given.getFirst());
        long start = given.size() == 1 ? 0 : first;
        long stop = given.size() == 1 ? first : Operators.index(given.get(1));
        Range range = new Range(start, stop, given.size() == 3 ? Operators.index(given.get(2)) : 1);
        budget.pay(range.size());
        return range;
    }

    private Map<Object, Object> dict(Args args) {
        Map<Object, Object> dict = new LinkedHashMap<>();
        if (args.positional().size() > 1) {
            throw new Fault("dict expected at most 1 argument, found "
                    + args.positional().size());
        }
        for (Object source : args.positional()) {
            if (source instanceof Map<?, ?> map) {
                budget.elements(map.size());
                map.forEach(dict::put);
                continue;
            }
            for (Object pair : access.iterate(source)) {
                List<Object> parts = access.iterate(pair);
                if (parts.size() != 2) {
                    throw new Fault(
                            "dictionary update sequence element has length " + parts.size() + "; 2 is required");
                }
                access.put(dict, parts.get(0), parts.get(1));
            }
        }
        dict.putAll(args.keywords());
        return dict;
    }

    private Object namespace(Args args) {
        Namespace namespace = new Namespace();
        dict(args).forEach((key, value) -> namespace.put(printer.text(key), value));
        return namespace;
    }
}
