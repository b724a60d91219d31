package dev.lingyu.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// The chat templates that come with Lingyu, for base models that have none.
///
/// | name | a turn |
/// | --- | --- |
/// | `user-bot` | `User: …⏎⏎Bot: …` + eos token: the domain's default |
/// | `human-assistant` | `Human: …⏎⏎Assistant: …` + eos token |
/// | `人类-助手` | `人类:…⏎⏎助手:…` + eos token |
/// | `chatml` | <code>&lt;&#124;im_start&#124;>user⏎…&lt;&#124;im_end&#124;>⏎</code> and the like |
///
/// The first three begin with the bos token where the variables name one, then the system's text and a
/// blank line. All mark the answers as `{% generation %}` blocks.
public final class ChatTemplates {
    /// The template of a new domain model.
    public static final String DEFAULT = "user-bot";

    private static final Map<String, ChatTemplate> ALL = all();

    private ChatTemplates() {}

    /// The names of all templates.
    public static Set<String> names() {
        return ALL.keySet();
    }

    /// The template of that name.
    ///
    /// @throws ModelException when there is none
    public static ChatTemplate named(String name) {
        ChatTemplate template = ALL.get(name);
        if (template == null) {
            throw new ModelException(
                    "there is no built-in chat template '" + name + "'; there are " + String.join(", ", names()));
        }
        return template;
    }

    private static Map<String, ChatTemplate> all() {
        Map<String, ChatTemplate> all = new LinkedHashMap<>();
        all.put(DEFAULT, load(DEFAULT, "user-bot"));
        all.put("human-assistant", load("human-assistant", "human-assistant"));
        all.put("人类-助手", load("人类-助手", "renlei-zhushou"));
        all.put("chatml", load("chatml", "chatml"));
        return Collections.unmodifiableMap(all);
    }

    private static ChatTemplate load(String name, String file) {
        String resource = "chat-templates/" + file + ".jinja";
        try (InputStream text = Objects.requireNonNull(ChatTemplates.class.getResourceAsStream(resource), resource)) {
            return ChatTemplate.of(name, new String(text.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
