package dev.lingyu.model;

import dev.lingyu.model.jinja.Template;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// How a model wants conversations written: a Jinja template that travels with the tokenizer.
///
/// Renders what `tokenizer.apply_chat_template` of transformers renders, character for character.
/// Immutable; any number of threads may share one.
public final class ChatTemplate {
    /// The first line of a template whose printed pieces are tokenized one by one, see [#inPieces].
    static final String IN_PIECES = "{#- lingyu: each printed piece is tokenized by itself -#}";

    private final Template template;
    private final Clock clock;

    private ChatTemplate(Template template, Clock clock) {
        this.template = template;
        this.clock = clock;
    }

    /// A template from its text; `name` is for error messages.
    ///
    /// @throws TemplateException when the text is no template
    public static ChatTemplate of(String name, String source) {
        return new ChatTemplate(Template.parse(name, source), Clock.systemDefaultZone());
    }

    /// The template of a model directory, or empty when the directory holds none: `chat_template.jinja`,
    /// else `chat_template` of `tokenizer_config.json` (a text, or a list of named ones, of which `default`
    /// is taken), else the older `chat_template.json`.
    ///
    /// @throws ModelException when a file is there but can't be understood
    /// @throws TemplateException when the text is no template
    public static Optional<ChatTemplate> read(Path modelDirectory) {
        return ChatTemplateFiles.read(modelDirectory);
    }

    /// `bos_token`, `eos_token` and the other special tokens that `tokenizer_config.json` and
    /// `special_tokens_map.json` of a model directory name: transformers hands them to every template.
    ///
    /// @throws ModelException when a file is there but can't be understood
    public static Map<String, Object> specialTokens(Path modelDirectory) {
        return ChatTemplateFiles.specialTokens(modelDirectory);
    }

    /// Writes `chat_template.jinja`, where transformers 5 looks for it; a file that is there is replaced at
    /// once.
    public void write(Path directory) {
        ChatTemplateFiles.write(this, directory);
    }

    /// The same template with another clock for `strftime_now`.
    public ChatTemplate withClock(Clock newClock) {
        return new ChatTemplate(template, newClock);
    }

    /// The same template with a system message for conversations that begin without one. It is part of the text, so
    /// it travels into the checkpoint and holds wherever that is served.
    public ChatTemplate withDefaultSystem(String system) {
        String literal = "'"
                + system.replace("\\", "\\\\")
                        .replace("'", "\\'")
                        .replace("\r", "\\r")
                        .replace("\n", "\\n") + "'";
        String begins = "{%- if not messages or messages[0]['role'] != 'system' -%}"
                + "{%- set messages = [{'role': 'system', 'content': " + literal + "}] + messages -%}{%- endif -%}\n";
        // What a template says in its first line stays in the first line.
        String source = inPieces()
                ? IN_PIECES + "\n" + begins
                        + source().substring(IN_PIECES.length()).stripLeading()
                : begins + source();
        return new ChatTemplate(Template.parse(name(), source), clock);
    }

    /// The name given to [#of], or the file it came from.
    public String name() {
        return template.name();
    }

    /// The template's text.
    public String source() {
        return template.source();
    }

    /// Whether each piece that the template prints is tokenized by itself, as LLaMA-Factory does with the parts
    /// of its templates. The template says so in its first line, so the rule travels with it into the
    /// checkpoint: what was trained is what is served.
    public boolean inPieces() {
        return source().startsWith(IN_PIECES);
    }

    List<Integer> cuts(Template.Rendering rendering) {
        return inPieces() ? rendering.pieces() : List.of();
    }

    /// SHA-256 of the template's text in UTF-8, in lower-case hexadecimal.
    public String digest() {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(source().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }

    /// The conversation as text. With `addGenerationPrompt` it ends where the assistant begins to write.
    ///
    /// `variables` hold what else the template reads: `bos_token`, `eos_token`, `tools` (a list of maps),
    /// `enable_thinking` … Without `tools` and `documents` the template sees none.
    ///
    /// @throws TemplateException when the template fails on this conversation or refuses it
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, ?> variables) {
        return rendering(messages, addGenerationPrompt, variables).text();
    }

    /// The conversation as text, with the places of the assistant's answers.
    ///
    /// Where the template has `{% generation %}` blocks, they are the answers. Else each answer is what
    /// stands between the rendering of the messages before it with generation prompt, and the rendering
    /// that ends with it. A template may break that rule (drop old thinking, open the prompt with an empty
    /// thought): then the conversation is rendered with two stand-ins for the answer, and what differs is
    /// its place; text that template and answer share, such as an opening `<think>`, counts as the
    /// template's. An answer ends with `eos_token` where the template writes that, else with all that
    /// closes the turn.
    ///
    /// @throws ModelException when the places can't be found
    /// @throws TemplateException when the template fails on this conversation or refuses it
    public RenderedChat renderForTraining(List<ChatMessage> messages, Map<String, ?> variables) {
        return new AnswerFinder(this, messages, variables).find();
    }

    Template.Rendering rendering(List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, ?> variables) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("tools", Optional.empty());
        all.put("documents", Optional.empty());
        all.putAll(variables);
        all.put("messages", messages.stream().map(ChatMessage::variables).collect(Collectors.toList()));
        all.put("add_generation_prompt", addGenerationPrompt);
        return template.render(all, clock);
    }
}
