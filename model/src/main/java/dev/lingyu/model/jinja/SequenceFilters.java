package dev.lingyu.model.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/// The filters on sequences and dicts.
final class SequenceFilters {
    static final Set<String> NAMES = Set.of(
            "first",
            "last",
            "join",
            "list",
            "items",
            "dictsort",
            "map",
            "select",
            "reject",
            "selectattr",
            "rejectattr",
            "sort",
            "reverse",
            "unique",
            "sum",
            "min",
            "max",
            "batch",
            "slice",
            "groupby");

    private final Budget budget;
    private final Printer printer;
    private final Operators operators;
    private final Access access;
    private final Filters filters;
    private final ValueTests tests;

    SequenceFilters(
            Budget budget, Printer printer, Operators operators, Access access, Filters filters, ValueTests tests) {
        this.budget = budget;
        this.printer = printer;
        this.operators = operators;
        this.access = access;
        this.filters = filters;
        this.tests = tests;
    }

    Object apply(String name, Object value, Args args) {
        return switch (name) {
            case "first", "last" -> {
                args.none(name);
                yield end(name, value);
            }
            case "join" -> join(value, args.bind(name, "d", "attribute"));
            case "list" -> {
                args.none(name);
                yield access.iterate(value);
            }
            case "items" -> items(value);
            case "dictsort" -> dictSort(value, args.bind(name, "case_sensitive", "by", "reverse"));
            case "map" -> generator(access.iterate(value), mapping(args));
            case "select", "reject" -> {
                Predicate<Object> test = test(args, 0);
                yield chosen(value, name.equals("select") ? test : test.negate());
            }
            case "selectattr", "rejectattr" -> {
                if (args.positional().isEmpty()) {
                    throw new Fault("missing the name of the attribute in '" + name + "'");
                }
                UnaryOperator<Object> attribute = attribute(args.positional().getFirst(), Optional.empty());
                Predicate<Object> test = test(args, 1);
                Predicate<Object> onAttribute = item -> test.test(attribute.apply(item));
                yield chosen(value, name.equals("selectattr") ? onAttribute : onAttribute.negate());
            }
            case "sort" -> sort(value, args.bind(name, "reverse", "case_sensitive", "attribute"));
            case "reverse" -> {
                if (value instanceof String text) {
                    yield access.slice(text, None.NONE, None.NONE, -1L);
                }
                yield new Generator(access.iterate(value).reversed().iterator());
            }
            case "unique" -> unique(value, args.bind(name, "case_sensitive", "attribute"));
            case "sum" -> sum(value, args.bind(name, "attribute", "start"));
            case "min", "max" -> extreme(name, value, args.bind(name, "case_sensitive", "attribute"));
            case "batch" -> batch(value, args.bind(name, "linecount", "fill_with"));
            case "slice" -> slices(value, args.bind(name, "slices", "fill_with"));
            case "groupby" -> groups(value, args.bind(name, "attribute", "default", "case_sensitive"));
            default -> throw new Fault("No filter named '" + name + "'");
        };
    }

    private Object end(String name, Object value) {
        if (name.equals("last") && value instanceof Generator) {
            throw new Fault("'generator' object is not reversible");
        }
        if (name.equals("first") && value instanceof Generator generator) {
            return generator.elements().hasNext()
                    ? generator.elements().next()
                    : new Undefined("No first item, sequence was empty.");
        }
        List<Object> elements = access.iterate(value);
        if (elements.isEmpty()) {
            return new Undefined("No " + name + " item, sequence was empty.");
        }
        return name.equals("first") ? elements.getFirst() : elements.getLast();
    }

    private String join(Object value, Args.Bound bound) {
        String glue = bound.find("d").map(printer::text).orElse("");
        UnaryOperator<Object> key = attribute(bound);
        StringBuilder out = new StringBuilder();
        String between = "";
        for (Object item : access.iterate(value)) {
            out.append(between).append(printer.text(key.apply(item)));
            budget.string(out.length());
            between = glue;
        }
        return out.toString();
    }

    private static Object items(Object value) {
        return switch (value) {
            case Undefined _ -> new Generator(List.of().iterator());
            case Map<?, ?> map -> {
                List<Object> items = new ArrayList<>();
                map.forEach((key, item) -> items.add(new Tuple(List.of(key, item))));
                yield new Generator(items.iterator());
            }
            default -> throw new Fault("Can only get item pairs from a mapping.");
        };
    }

    private Object dictSort(Object value, Args.Bound bound) {
        if (!(value instanceof Map<?, ?> map)) {
            throw value instanceof Undefined undefined
                    ? undefined.fault()
                    : new Fault("'" + Operators.typeName(value) + "' object has no attribute 'items'");
        }
        String by = bound.givenString("by").orElse("key");
        if (!by.equals("key") && !by.equals("value")) {
            throw new Fault("You can only sort by either \"key\" or \"value\"");
        }
        boolean caseSensitive = bound.flag("case_sensitive");
        List<Object> items = new ArrayList<>();
        map.forEach((key, item) -> items.add(new Tuple(List.of(key, item))));
        return sorted(items, bound.flag("reverse"), item -> {
            Object part = ((Tuple) item).items().get(by.equals("key") ? 0 : 1);
            return caseSensitive ? part : Filters.ignoreCase(part);
        });
    }

    private List<Object> sorted(List<Object> items, boolean reverse, UnaryOperator<Object> key) {
        List<Map.Entry<Object, Object>> keyed = new ArrayList<>();
        items.forEach(item -> keyed.add(Map.entry(key.apply(item), item)));
        Comparator<Map.Entry<Object, Object>> order = (a, b) -> operators.compare("<", a.getKey(), b.getKey());
        keyed.sort(reverse ? order.reversed() : order);
        List<Object> result = new ArrayList<>();
        keyed.forEach(entry -> result.add(entry.getValue()));
        return result;
    }

    private Object sort(Object value, Args.Bound bound) {
        boolean caseSensitive = bound.flag("case_sensitive");
        List<UnaryOperator<Object>> keys = new ArrayList<>();
        Object attributes = bound.given("attribute").orElse("");
        if (attributes instanceof String names) {
            for (String name : names.split(",", -1)) {
                keys.add(names.isEmpty() ? UnaryOperator.identity() : attribute(name, Optional.empty()));
            }
        } else {
            keys.add(attribute(attributes, Optional.empty()));
        }
        return sorted(access.iterate(value), bound.flag("reverse"), item -> {
            List<Object> parts = new ArrayList<>();
            for (UnaryOperator<Object> key : keys) {
                Object part = key.apply(item);
                parts.add(caseSensitive ? part : Filters.ignoreCase(part));
            }
            return parts;
        });
    }

    private Object unique(Object value, Args.Bound bound) {
        UnaryOperator<Object> key = caseKey(bound);
        Map<Object, Object> seen = new LinkedHashMap<>();
        List<Object> result = new ArrayList<>();
        for (Object item : access.iterate(value)) {
            Object by = key.apply(item);
            if (access.find(seen, by).isEmpty()) {
                seen.put(by, item);
                result.add(item);
            }
        }
        return new Generator(result.iterator());
    }

    private UnaryOperator<Object> caseKey(Args.Bound bound) {
        UnaryOperator<Object> key = attribute(bound);
        return bound.flag("case_sensitive") ? key : item -> Filters.ignoreCase(key.apply(item));
    }

    private Object sum(Object value, Args.Bound bound) {
        UnaryOperator<Object> key = attribute(bound);
        Object total = bound.find("start").orElse(0L);
        if (total instanceof String) {
            throw new Fault("sum() can't sum strings [use ''.join(seq) instead]");
        }
        for (Object item : access.iterate(value)) {
            total = operators.arithmetic("+", total, key.apply(item));
        }
        return total;
    }

    private Object extreme(String name, Object value, Args.Bound bound) {
        UnaryOperator<Object> key = caseKey(bound);
        Iterator<Object> elements = access.iterate(value).iterator();
        if (!elements.hasNext()) {
            return new Undefined("No aggregated item, sequence was empty.");
        }
        Object best = elements.next();
        while (elements.hasNext()) {
            Object next = elements.next();
            String operator = name.equals("min") ? "<" : ">";
            if (operators.holds(operator, key.apply(next), key.apply(best))) {
                best = next;
            }
        }
        return best;
    }

    private Object batch(Object value, Args.Bound bound) {
        long size = Operators.index(bound.required("linecount"));
        List<Object> batches = new ArrayList<>();
        List<Object> batch = new ArrayList<>();
        for (Object item : access.iterate(value)) {
            if (batch.size() == size) {
                batches.add(batch);
                batch = new ArrayList<>();
            }
            batch.add(item);
        }
        if (!batch.isEmpty()) {
            Optional<Object> fill = bound.given("fill_with");
            if (fill.isPresent()) {
                budget.elements(size);
                while (batch.size() < size) {
                    batch.add(fill.get());
                }
            }
            batches.add(batch);
        }
        return new Generator(batches.iterator());
    }

    private Object slices(Object value, Args.Bound bound) {
        List<Object> elements = access.iterate(value);
        long count = Operators.index(bound.required("slices"));
        if (count <= 0) {
            throw new Fault("the filter 'slice' needs a positive number of slices, found " + count);
        }
        budget.elements(count);
        List<Object> slices = new ArrayList<>();
        int each = (int) (elements.size() / count);
        int extra = (int) (elements.size() % count);
        int start = 0;
        for (int i = 0; i < count; i++) {
            int end = start + each + (i < extra ? 1 : 0);
            List<Object> slice = new ArrayList<>(elements.subList(start, end));
            if (i >= extra) {
                bound.given("fill_with").ifPresent(slice::add);
            }
            slices.add(slice);
            start = end;
        }
        return new Generator(slices.iterator());
    }

    private Object groups(Object value, Args.Bound bound) {
        UnaryOperator<Object> plain = attribute(bound.required("attribute"), bound.given("default"));
        UnaryOperator<Object> key =
                bound.flag("case_sensitive") ? plain : item -> Filters.ignoreCase(plain.apply(item));
        List<Object> groups = new ArrayList<>();
        List<Object> members = new ArrayList<>();
        for (Object item : sorted(access.iterate(value), false, key)) {
            if (!members.isEmpty() && !operators.equal(key.apply(members.getFirst()), key.apply(item))) {
                groups.add(new Tuple(List.of(plain.apply(members.getFirst()), members)));
                members = new ArrayList<>();
            }
            members.add(item);
        }
        if (!members.isEmpty()) {
            groups.add(new Tuple(List.of(plain.apply(members.getFirst()), members)));
        }
        return groups;
    }

    private UnaryOperator<Object> mapping(Args args) {
        if (args.positional().isEmpty() && args.keywords().containsKey("attribute")) {
            Args.Bound bound = args.bind("map", "attribute", "default");
            return attribute(bound.required("attribute"), bound.given("default"));
        }
        if (args.positional().isEmpty()) {
            throw new Fault("map requires a filter argument");
        }
        String filter = printer.text(args.positional().getFirst());
        Args rest = args.rest(1);
        return item -> filters.apply(filter, item, rest);
    }

    private Predicate<Object> test(Args args, int from) {
        if (args.positional().size() <= from) {
            return Operators::truth;
        }
        String test = printer.text(args.positional().get(from));
        Args rest = args.rest(from + 1);
        return item -> tests.holds(test, item, rest);
    }

    /// Values are computed when they are asked for, so that `first` does no more than it must.
    private Object generator(List<Object> elements, UnaryOperator<Object> mapping) {
        Iterator<Object> iterator = elements.iterator();
        return new Generator(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return iterator.hasNext();
            }

            @Override
            public Object next() {
                budget.step();
                return mapping.apply(iterator.next());
            }
        });
    }

    private Object chosen(Object value, Predicate<Object> test) {
        List<Object> chosen = new ArrayList<>();
        for (Object item : access.iterate(value)) {
            budget.step();
            if (test.test(item)) {
                chosen.add(item);
            }
        }
        return new Generator(chosen.iterator());
    }

    private UnaryOperator<Object> attribute(Args.Bound bound) {
        return bound.given("attribute")
                .map(attribute -> attribute(attribute, Optional.empty()))
                .orElse(UnaryOperator.identity());
    }

    /// The item at a path such as `function.name` or `0.role`.
    private UnaryOperator<Object> attribute(Object path, Optional<Object> defaultValue) {
        List<Object> parts = new ArrayList<>();
        if (path instanceof String names) {
            for (String part : names.split("\\.", -1)) {
                boolean index =
                        !part.isEmpty() && part.length() < 10 && part.chars().allMatch(Character::isDigit);
                parts.add(index ? (Object) Long.parseLong(part) : part);
            }
        } else {
            parts.add(path);
        }
        return item -> {
            Object value = item;
            for (Object part : parts) {
                value = access.item(value, part);
                if (value instanceof Undefined) {
                    value = defaultValue.orElse(value);
                }
            }
            return value;
        };
    }
}
