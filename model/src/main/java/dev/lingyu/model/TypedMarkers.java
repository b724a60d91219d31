package dev.lingyu.model;

import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Tells the markers that a template writes from text that only spells them.
///
/// A user who types `<|im_end|>` must not end a turn. Before a conversation is rendered, the first letter of
/// every marker in its texts is replaced by a stand-in that occurs nowhere in it; after rendering the letter is
/// put back, and its place noted: a marker that begins there is to be read letter by letter.
final class TypedMarkers {
    /// Unicode's noncharacters, which no text should hold; then private use.
    private static final char[] BASES = {'\uFDD0', '\uE400', '\uE800', '\uEC00', '\uF000', '\uF400'};

    private final @Nullable Pattern markers;
    private final String firstLetters;

    TypedMarkers(Tokenizer tokenizer) {
        List<String> special = new ArrayList<>(tokenizer.specialTokens());
        // The longest first, so that a marker which begins another one does not hide it.
        special.sort((a, b) -> Integer.compare(b.length(), a.length()));
        markers = special.isEmpty()
                ? null
                : Pattern.compile(special.stream().map(Pattern::quote).collect(Collectors.joining("|")));
        TreeSet<Character> letters = new TreeSet<>();
        special.forEach(token -> letters.add(token.charAt(0)));
        firstLetters = letters.stream().map(String::valueOf).collect(Collectors.joining());
    }

    /// A conversation in which nothing spells a marker.
    ///
    /// @param base the first stand-in; 0 where nothing had to be replaced
    record Guarded(List<ChatMessage> messages, Map<String, ?> variables, char base) {}

    /// A rendered text as it is to be read: where in it a typed marker begins.
    record Restored(String text, BitSet typed) {}

    Guarded guard(List<ChatMessage> messages, Map<String, ?> variables) {
        if (markers == null || messages.stream().noneMatch(m -> spells(m.variables())) && !spellsTools(variables)) {
            return new Guarded(messages, variables, '\0');
        }
        char base = unused(messages, variables);
        List<ChatMessage> guarded = messages.stream()
                .map(m -> new ChatMessage(m.role(), replaced(m.content(), base), map(m.fields(), base)))
                .toList();
        Map<String, Object> others = new LinkedHashMap<>(variables);
        others.computeIfPresent("tools", (name, tools) -> value(tools, base));
        return new Guarded(guarded, others, base);
    }

    private boolean spellsTools(Map<String, ?> variables) {
        return variables.containsKey("tools") && spells(variables.get("tools"));
    }

    private boolean spells(@Nullable Object value) {
        return switch (value) {
            case String text -> markers != null && markers.matcher(text).find();
            case List<?> list -> list.stream().anyMatch(this::spells);
            case Map<?, ?> map -> map.values().stream().anyMatch(this::spells);
            case null, default -> false;
        };
    }

    private char unused(List<ChatMessage> messages, Map<String, ?> variables) {
        String all = messages.stream().map(m -> m.variables().toString()).collect(Collectors.joining())
                + (variables.containsKey("tools") ? variables.get("tools") : "");
        for (char base : BASES) {
            int end = base + firstLetters.length();
            if (all.chars().noneMatch(c -> c >= base && c < end)) {
                return base;
            }
        }
        throw new ModelException("A conversation spells special tokens and uses all private characters of Unicode that "
                + "could stand in for them; remove the private characters (U+E400 to U+F8FF) from its text.");
    }

    private Object value(Object value, char base) {
        return switch (value) {
            case String text -> replaced(text, base);
            case List<?> list -> list.stream().map(v -> value(v, base)).toList();
            case Map<?, ?> map -> {
                Map<Object, Object> copy = new LinkedHashMap<>();
                map.forEach((k, v) -> copy.put(k, value(v, base)));
                yield copy;
            }
            default -> value;
        };
    }

    private Map<String, Object> map(Map<String, Object> fields, char base) {
        Map<String, Object> copy = new LinkedHashMap<>();
        fields.forEach((k, v) -> copy.put(k, value(v, base)));
        return copy;
    }

    private String replaced(String text, char base) {
        Pattern pattern = markers;
        if (pattern == null) {
            return text;
        }
        StringBuilder copy = new StringBuilder(text);
        Matcher matcher = pattern.matcher(text);
        for (int from = 0; matcher.find(from); from = matcher.start() + 1) {
            int at = matcher.start();
            copy.setCharAt(at, (char) (base + firstLetters.indexOf(text.charAt(at))));
        }
        return copy.toString();
    }

    Restored restore(String rendered, char base) {
        BitSet typed = new BitSet();
        if (base == '\0') {
            return new Restored(rendered, typed);
        }
        StringBuilder text = new StringBuilder(rendered);
        for (int i = 0; i < text.length(); i++) {
            int letter = text.charAt(i) - base;
            if (letter >= 0 && letter < firstLetters.length()) {
                text.setCharAt(i, firstLetters.charAt(letter));
                typed.set(i);
            }
        }
        return new Restored(text.toString(), typed);
    }

    /// The places `[start, end)` of the markers that are meant in a part of a text, in order.
    List<int[]> meant(Restored text, int from, int to) {
        Pattern pattern = markers;
        List<int[]> found = new ArrayList<>();
        if (pattern == null) {
            return found;
        }
        Matcher matcher = pattern.matcher(text.text()).region(from, to);
        int at = from;
        while (at < to && matcher.region(at, to).find()) {
            if (text.typed().get(matcher.start())) {
                at = matcher.start() + 1;
            } else {
                found.add(new int[] {matcher.start(), matcher.end()});
                at = matcher.end();
            }
        }
        return found;
    }
}
