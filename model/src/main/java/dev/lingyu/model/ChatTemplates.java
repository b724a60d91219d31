package dev.lingyu.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
        for (ChatTemplate template : List.of(
                roles(DEFAULT, "User: ", "Bot: "),
                roles("human-assistant", "Human: ", "Assistant: "),
                roles("人类-助手", "人类:", "助手:"),
                ChatTemplate.of("chatml", CHATML))) {
            all.put(template.name(), template);
        }
        return java.util.Collections.unmodifiableMap(all);
    }

    private static ChatTemplate roles(String name, String user, String bot) {
        return ChatTemplate.of(
                name, ROLES.replace("USER", user).replace("BOT", bot).replace("NAME", name));
    }

    private static final String ROLES = """
            {%- if bos_token is defined and bos_token %}{{ bos_token }}{% endif %}
            {%- for message in messages %}
                {%- if message.role == 'system' %}
                    {{- message.content + '\\n\\n' }}
                {%- elif message.role == 'user' %}
                    {{- 'USER' + message.content + '\\n\\n' }}
                {%- elif message.role == 'assistant' %}
                    {{- 'BOT' }}
                    {%- generation %}
                    {{- message.content + (eos_token if eos_token is defined and eos_token else '') }}
                    {%- endgeneration %}
                {%- else %}
                    {{- raise_exception('the template NAME knows the roles system, user and assistant, found ' + message.role) }}
                {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}
                {{- 'BOT' }}
            {%- endif %}
            """;

    private static final String CHATML = """
            {%- for message in messages %}
                {{- '<|im_start|>' + message.role + '\\n' }}
                {%- if message.role == 'assistant' %}
                    {%- generation %}
                    {{- message.content + '<|im_end|>' }}
                    {%- endgeneration %}
                {%- else %}
                    {{- message.content + '<|im_end|>' }}
                {%- endif %}
                {{- '\\n' }}
            {%- endfor %}
            {%- if add_generation_prompt %}
                {{- '<|im_start|>assistant\\n' }}
            {%- endif %}
            """;
}
