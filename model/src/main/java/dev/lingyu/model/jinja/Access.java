package dev.lingyu.model.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Elements, lengths, items, attributes and slices of values.
final class Access {
    private final Budget budget;
    private final Operators operators;
    private final Methods methods;

    Access(Budget budget, Operators operators, Methods methods) {
        this.budget = budget;
        this.operators = operators;
        this.methods = methods;
    }

    static List<Object> viewElements(DictView view) {
        return switch (view.kind()) {
            case KEYS -> new ArrayList<>(view.dict().keySet());
            case VALUES -> new ArrayList<>(view.dict().values());
            case ITEMS -> {
                List<Object> items = new ArrayList<>();
                view.dict().forEach((key, value) -> items.add(new Tuple(List.of(key, value))));
                yield items;
            }
        };
    }

    /// The elements of a value that can be walked, else empty.
    Optional<List<Object>> elements(Object value) {
        return switch (value) {
            case List<?> list -> Optional.of(copy(list));
            case Tuple tuple -> Optional.of(tuple.items());
            case String text -> Optional.of(copy(Strings.characters(budget, text)));
            case Map<?, ?> map -> Optional.of(copy(new ArrayList<>(map.keySet())));
            case DictView view -> Optional.of(copy(viewElements(view)));
            case Generator generator -> {
                List<Object> rest = new ArrayList<>();
                Iterator<Object> elements = generator.elements();
                while (elements.hasNext()) {
                    budget.step();
                    rest.add(elements.next());
                }
                budget.elements(rest.size());
                yield Optional.of(rest);
            }
            case Undefined _ -> Optional.of(List.of());
            default -> Optional.empty();
        };
    }

    private List<Object> copy(List<?> list) {
        budget.pay(list.size());
        return new ArrayList<>(list);
    }

    List<Object> iterate(Object value) {
        return elements(value)
                .orElseThrow(() -> new Fault("'" + Operators.typeName(value) + "' object is not iterable"));
    }

    long length(Object value) {
        return switch (value) {
            case String text -> Strings.length(text);
            case List<?> list -> list.size();
            case Tuple tuple -> tuple.items().size();
            case Map<?, ?> map -> map.size();
            case DictView view -> view.dict().size();
            case Undefined _ -> 0;
            case Loop loop -> loop.length();
            default -> throw new Fault("object of type '" + Operators.typeName(value) + "' has no len()");
        };
    }

    /// `element in container`.
    boolean contains(Object container, Object element) {
        switch (container) {
            case String text -> {
                if (element instanceof String part) {
                    budget.pay(text.length());
                    return text.contains(part);
                }
                throw new Fault("'in <string>' requires string as left operand, not " + Operators.typeName(element));
            }
            case Map<?, ?> map -> {
                return find(map, element).isPresent();
            }
            case DictView view
            when view.kind() == DictView.Kind.KEYS -> {
                return find(view.dict(), element).isPresent();
            }
            default -> {
                List<Object> elements = elements(container)
                        .orElseThrow(() ->
                                new Fault("argument of type '" + Operators.typeName(container) + "' is not iterable"));
                for (Object candidate : elements) {
                    if (operators.equal(candidate, element)) {
                        return true;
                    }
                }
                return false;
            }
        }
    }

    /// The value under a key, where 1, 1.0 and true are the same key.
    Optional<Object> find(Map<?, ?> map, Object key) {
        checkKey(key, 0);
        Object value = map.get(key);
        if (value != null || !(Operators.isNumber(key) || key instanceof Tuple)) {
            return Optional.ofNullable(value);
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getKey() instanceof String) && operators.equal(entry.getKey(), key)) {
                return Optional.of(entry.getValue());
            }
        }
        return Optional.empty();
    }

    /// Puts a value under a key as Python does: an equal key that is there already stays.
    void put(Map<Object, Object> map, Object key, Object value) {
        checkKey(key, 0);
        Object known = key;
        if (Operators.isNumber(key) || key instanceof Tuple) {
            for (Object other : map.keySet()) {
                if (!(other instanceof String) && operators.equal(other, key)) {
                    known = other;
                }
            }
        }
        map.put(known, value);
    }

    /// Refuses keys that Python can't hash.
    void checkKey(Object key, int depth) {
        Budget.valueDepth(depth);
        budget.step();
        switch (key) {
            case List<?> _, Map<?, ?> _ -> {
                if (!(key instanceof Range)) {
                    throw new Fault("unhashable type: '" + Operators.typeName(key) + "'");
                }
            }
            case Tuple tuple -> tuple.items().forEach(item -> checkKey(item, depth + 1));
            default -> {}
        }
    }

    /// `object[key]`: the item, else the attribute of that name, else undefined.
    Object item(Object object, Object key) {
        return switch (object) {
            case Undefined undefined -> throw undefined.fault();
            case Map<?, ?> map -> find(map, key).orElseGet(() -> named(object, key));
            case List<?> list when Operators.isInteger(key) -> at(list, key).orElseGet(() -> missing(object, key));
            case Tuple tuple
            when Operators.isInteger(key) -> at(tuple.items(), key).orElseGet(() -> missing(object, key));
            case String text
            when Operators.isInteger(key) ->
                Strings.at(text, Operators.index(key)).<Object>map(c -> c).orElseGet(() -> missing(object, key));
            default -> named(object, key);
        };
    }

    private Object named(Object object, Object key) {
        return key instanceof String name
                ? methods.attribute(object, name).orElseGet(() -> missing(object, key))
                : missing(object, key);
    }

    private static Optional<Object> at(List<?> list, Object key) {
        long index = Operators.index(key);
        long at = index < 0 ? index + list.size() : index;
        return at >= 0 && at < list.size() ? Optional.of(list.get((int) at)) : Optional.empty();
    }

    /// `object.name`: the attribute or method, else the item of that name, else undefined.
    Object attribute(Object object, String name) {
        if (object instanceof Undefined undefined) {
            throw undefined.fault();
        }
        Optional<Object> attribute = methods.attribute(object, name);
        if (attribute.isEmpty() && object instanceof Map<?, ?> map) {
            attribute = find(map, name);
        }
        return attribute.orElseGet(() -> missing(object, name));
    }

    /// The filter `attr`: never an item.
    Object attributeOnly(Object object, String name) {
        if (object instanceof Undefined undefined) {
            throw undefined.fault();
        }
        return methods.attribute(object, name).orElseGet(() -> missing(object, name));
    }

    private static Undefined missing(Object object, Object key) {
        String label = object == None.NONE ? "None" : "'" + Operators.typeName(object) + " object'";
        return new Undefined(
                key instanceof String name
                        ? label + " has no attribute '" + name + "'"
                        : label + " has no element " + (Operators.isNumber(key) ? key : Operators.typeName(key)));
    }

    /// `object[start:stop:step]`.
    Object slice(Object object, Object start, Object stop, Object step) {
        return switch (object) {
            case Undefined undefined -> throw undefined.fault();
            case String text -> {
                int[] points = text.codePoints().toArray();
                budget.pay(points.length);
                int[] chosen = indices(points.length, start, stop, step);
                StringBuilder out = new StringBuilder();
                for (int i : chosen) {
                    out.appendCodePoint(points[i]);
                }
                yield out.toString();
            }
            case List<?> list -> pick(list, start, stop, step);
            case Tuple tuple -> new Tuple(pick(tuple.items(), start, stop, step));
            default -> new Undefined("'" + Operators.typeName(object) + "' object can't be sliced");
        };
    }

    private List<Object> pick(List<?> list, Object start, Object stop, Object step) {
        int[] chosen = indices(list.size(), start, stop, step);
        budget.elements(chosen.length);
        List<Object> picked = new ArrayList<>(chosen.length);
        for (int i : chosen) {
            picked.add(list.get(i));
        }
        return picked;
    }

    private int[] indices(int length, Object start, Object stop, Object step) {
        long stride = step == None.NONE ? 1 : Operators.index(step);
        if (stride == 0) {
            throw new Fault("slice step cannot be zero");
        }
        long first = bound(start, length, stride, stride > 0 ? 0 : length - 1L);
        long end = bound(stop, length, stride, stride > 0 ? length : -1L);
        long room = stride > 0 ? end - first : first - end;
        long size = Math.abs(stride) < 0 ? Long.MAX_VALUE : Math.abs(stride);
        int count = room <= 0 ? 0 : (int) ((room - 1) / size + 1);
        int[] chosen = new int[count];
        for (int i = 0; i < count; i++) {
            chosen[i] = (int) (first + i * stride);
        }
        return chosen;
    }

    private static long bound(Object value, int length, long stride, long otherwise) {
        if (value == None.NONE) {
            return otherwise;
        }
        long index = Operators.index(value);
        if (index < 0) {
            index += length;
        }
        return stride > 0 ? Math.clamp(index, 0L, length) : Math.clamp(index, -1L, length - 1L);
    }
}
