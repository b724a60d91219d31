package dev.lingyu.model;

import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// The chat templates that come with Lingyu, for base models that have none and for configs that name one.
///
/// | name | a turn |
/// | --- | --- |
/// | `user-bot` | `User: …⏎⏎Bot: …` + eos token: the domain's default |
/// | `human-assistant` | `Human: …⏎⏎Assistant: …` + eos token |
/// | `人类-助手` | `人类:…⏎⏎助手:…` + eos token |
/// | `qwen`, `llama3`, `vicuna`, `default` … | as LLaMA-Factory's templates of these names |
///
/// The first three begin with the bos token where the variables name one, then the system's text and a
/// blank line. All mark the answers as `{% generation %}` blocks.
public final class ChatTemplates {
    /// The template of a new domain model.
    public static final String DEFAULT = "user-bot";

    private static final Map<String, Entry> ALL = all();

    private ChatTemplates() {}

    private record Entry(ChatTemplate template, List<String> stop) {}

    /// The names of all templates.
    public static Set<String> names() {
        return ALL.keySet();
    }

    /// The template of that name.
    ///
    /// @throws ModelException when there is none
    public static ChatTemplate named(String name) {
        return entry(name).template();
    }

    /// A template that writes tools as another one does.
    ///
    /// @param name   of one of LLaMA-Factory's templates
    /// @param format `default`, `qwen`, `glm4`, `llama3` or `mistral`
    /// @throws ModelException when there is no such template or format
    public static ChatTemplate withTools(String name, String format) {
        entry(name);
        BuiltInTemplate row = BuiltInTemplate.all().stream()
                .filter(template -> template.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new ModelException("The chat template '" + name
                        + "' has no place for tools, so tool_format can't change how they are written."));
        BuiltInTemplate.Tools tools = Arrays.stream(BuiltInTemplate.Tools.values())
                .filter(known -> known.name().equalsIgnoreCase(format))
                .findFirst()
                .orElseThrow(() -> new ModelException("There is no format of tools called '" + format + "'; there are "
                        + Arrays.stream(BuiltInTemplate.Tools.values())
                                .map(known -> known.name().toLowerCase(Locale.ROOT))
                                .collect(Collectors.joining(", "))
                        + "."));
        return ChatTemplate.of(name + " with tools as in " + format, JinjaWriter.write(row.withTools(tools)));
    }

    /// The tokens at which a model stops that was trained with that template, besides the tokenizer's own; the
    /// first ends an answer.
    ///
    /// @throws ModelException when there is no template of that name
    public static List<String> stopTokens(String name) {
        return entry(name).stop();
    }

    /// The template of that name, for a tokenizer that has what ends its answers.
    ///
    /// @throws ModelException when there is none, or the tokenizer lacks what ends its answers
    public static ChatTemplate fitting(String name, Tokenizer tokenizer) {
        Entry entry = entry(name);
        if (!entry.stop().isEmpty() && tokenizer.id(entry.stop().getFirst()).isEmpty()) {
            throw new ModelException(
                    ("The chat template '%s' ends answers with %s, which the tokenizer does not have as a "
                                    + "token. Choose a template that fits this model (template: …), or add it: resize_vocab: true.")
                            .formatted(name, entry.stop().getFirst()));
        }
        if (entry.template().source().contains("{{- eos }}")
                && tokenizer.eosTokenId().isEmpty()) {
            throw new ModelException(
                    ("The chat template '%s' ends answers with the tokenizer's eos token, but the tokenizer "
                                    + "names none. Set eos_token in tokenizer_config.json, or choose another template.")
                            .formatted(name));
        }
        return entry.template();
    }

    private static Entry entry(String name) {
        Entry entry = ALL.get(name);
        if (entry == null) {
            throw new ModelException("There is no built-in chat template '" + name + "'." + nearest(name)
                    + " There are " + String.join(", ", names()) + ".");
        }
        return entry;
    }

    private static String nearest(String name) {
        return names().stream()
                .min(Comparator.comparingInt(known -> edits(known, name)))
                .filter(known -> edits(known, name) <= Math.max(1, name.length() / 3))
                .map(near -> " Did you mean '" + near + "'?")
                .orElse("");
    }

    /// Single-letter edits between two names (Levenshtein 1966).
    private static int edits(String a, String b) {
        int[] row = IntStream.rangeClosed(0, b.length()).toArray();
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(change, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }

    private static Map<String, Entry> all() {
        Map<String, Entry> all = new LinkedHashMap<>();
        all.put(DEFAULT, load(DEFAULT, "user-bot"));
        all.put("human-assistant", load("human-assistant", "human-assistant"));
        all.put("人类-助手", load("人类-助手", "renlei-zhushou"));
        for (BuiltInTemplate row : BuiltInTemplate.all()) {
            all.put(row.name(), new Entry(ChatTemplate.of(row.name(), JinjaWriter.write(row)), row.stop()));
        }
        return Collections.unmodifiableMap(all);
    }

    private static Entry load(String name, String file) {
        String resource = "chat-templates/" + file + ".jinja";
        try (InputStream text = Objects.requireNonNull(ChatTemplates.class.getResourceAsStream(resource), resource)) {
            return new Entry(ChatTemplate.of(name, new String(text.readAllBytes(), StandardCharsets.UTF_8)), List.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
