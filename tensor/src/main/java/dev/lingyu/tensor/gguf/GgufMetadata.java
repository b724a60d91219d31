package dev.lingyu.tensor.gguf;

import dev.lingyu.tensor.TensorException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/// The keys and values of a GGUF file, read with the kind that is expected of them.
///
/// A key that is absent gives an empty result; one that holds something else than asked for is an error that
/// names file and key.
public final class GgufMetadata {
    private final Path file;
    private final Map<String, GgufValue> values;

    GgufMetadata(Path file, Map<String, GgufValue> values) {
        this.file = file;
        this.values = Collections.unmodifiableMap(values);
    }

    /// The file, for messages.
    public Path file() {
        return file;
    }

    /// All keys, in the order of the file.
    public Set<String> keys() {
        return values.keySet();
    }

    /// A value as it is stored.
    public Optional<GgufValue> value(String key) {
        return Optional.ofNullable(values.get(key));
    }

    /// A text.
    public Optional<String> text(String key) {
        return value(key).map(v -> v instanceof GgufValue.Text text ? text.value() : fail(key, "a text"));
    }

    /// A whole number of any width.
    public OptionalLong whole(String key) {
        Optional<GgufValue> value = value(key);
        if (value.isEmpty()) {
            return OptionalLong.empty();
        }
        return value.get() instanceof GgufValue.Whole(GgufValue.Kind kind, long whole)
                        && (whole >= 0 || kind != GgufValue.Kind.U64)
                ? OptionalLong.of(whole)
                : fail(key, "a whole number");
    }

    /// A number, whole or not.
    public OptionalDouble number(String key) {
        Optional<GgufValue> value = value(key);
        if (value.isEmpty()) {
            return OptionalDouble.empty();
        }
        return switch (value.get()) {
            case GgufValue.Real real -> OptionalDouble.of(real.value());
            case GgufValue.Whole whole -> OptionalDouble.of(whole.value());
            default -> fail(key, "a number");
        };
    }

    /// True or false.
    public Optional<Boolean> flag(String key) {
        return value(key).map(v -> v instanceof GgufValue.Flag flag ? flag.value() : fail(key, "true or false"));
    }

    /// A list of texts.
    public Optional<List<String>> texts(String key) {
        return value(key).map(v -> switch (v) {
            case GgufValue.Texts texts -> texts.values();
            case GgufValue.Numbers numbers when numbers.count() == 0 -> List.of();
            default -> fail(key, "a list of texts");
        });
    }

    /// A list of numbers.
    public Optional<GgufValue.Numbers> numbers(String key) {
        return value(key).map(v -> v instanceof GgufValue.Numbers numbers ? numbers : fail(key, "a list of numbers"));
    }

    private <T> T fail(String key, String expected) {
        GgufValue found = values.get(key);
        String what = found == null ? "nothing" : found.kind().toString();
        throw new TensorException("%s, metadata \"%s\": expected %s, found %s.".formatted(file, key, expected, what));
    }
}
