package dev.lingyu.model.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Java values as template values: deep copies made of strings, numbers, booleans, none, lists and dicts only.
final class Values {
    private Values() {}

    static Object from(@Nullable Object value) {
        return from(value, 0);
    }

    private static Object from(@Nullable Object value, int depth) {
        Budget.valueDepth(depth);
        return switch (value) {
            case null -> None.NONE;
            case Boolean flag -> flag;
            case CharSequence text -> text.toString();
            case Character character -> character.toString();
            case Long number -> number;
            case Integer number -> number.longValue();
            case Short number -> number.longValue();
            case Byte number -> number.longValue();
            case BigInteger number -> Operators.integer(number);
            case Double number -> number;
            case Float number -> Double.parseDouble(number.toString());
            case BigDecimal number -> number.doubleValue();
            case Optional<?> maybe -> maybe.isPresent() ? from(maybe.get(), depth) : None.NONE;
            case Collection<?> elements -> {
                List<Object> list = new ArrayList<>(elements.size());
                for (Object element : elements) {
                    list.add(from(element, depth + 1));
                }
                yield list;
            }
            case Map<?, ?> map -> {
                Map<Object, Object> dict = new LinkedHashMap<>();
                map.forEach((key, element) -> dict.put(from(key, depth + 1), from(element, depth + 1)));
                yield dict;
            }
            // A record or any other object would be a door out of the sandbox.
            default ->
                throw new IllegalArgumentException("a template takes strings, numbers, booleans, lists and maps, found "
                        + value.getClass().getName());
        };
    }
}
