package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.model.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
    private static final List<ChatMessage> CHAT = List.of(
            ChatMessage.of("system", "S"),
            ChatMessage.of("user", "问1"),
            ChatMessage.of("assistant", "答😀"),
            ChatMessage.of("user", "q2"),
            ChatMessage.of("assistant", "a2"));
    private static final Map<String, Object> TOKENS = Map.of("bos_token", "<s>", "eos_token", "</s>");

    @TempDir
    Path directory;

    @Test
    void theDomainsTemplateWritesUserAndBot() {
        ChatTemplate template = ChatTemplates.named(ChatTemplates.DEFAULT);
        assertThat(template.render(CHAT, true, TOKENS))
                .isEqualTo("<s>S\n\nUser: 问1\n\nBot: 答😀</s>User: q2\n\nBot: a2</s>Bot: ");
        assertThat(template.render(CHAT.subList(1, 2), true, Map.of())).isEqualTo("User: 问1\n\nBot: ");
        assertThat(answers(template, CHAT)).containsExactly("答😀</s>", "a2</s>");
    }

    @Test
    void everyBuiltInTemplateMarksItsAnswers() {
        assertThat(ChatTemplates.named("人类-助手").render(CHAT.subList(1, 3), false, TOKENS))
                .isEqualTo("<s>人类:问1\n\n助手:答😀</s>");
        assertThat(ChatTemplates.named("human-assistant").render(CHAT.subList(1, 2), true, TOKENS))
                .isEqualTo("<s>Human: 问1\n\nAssistant: ");
        assertThat(answers(ChatTemplates.named("chatml"), CHAT)).containsExactly("答😀<|im_end|>", "a2<|im_end|>");
        assertThatThrownBy(() -> ChatTemplates.named("lama3"))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("Did you mean 'llama3'?")
                .hasMessageContaining("user-bot, human-assistant, 人类-助手, default");
    }

    @Test
    void answersAreFoundByPrefixesWhereNoBlocksMarkThem() {
        ChatTemplate template = ChatTemplate.of("plain", CHATML);
        assertThat(answers(template, CHAT)).containsExactly("答😀<|im_end|>\n", "a2<|im_end|>\n");
        assertThat(answers(template, CHAT, Map.of("eos_token", "<|im_end|>")))
                .containsExactly("答😀<|im_end|>", "a2<|im_end|>");
    }

    @Test
    void answersAreFoundWhereTheTemplateDropsOldThinking() {
        String dropping =
                CHATML.replace("m.content +", "(m.content if loop.last else m.content.split('</think>')[-1]) +");
        ChatTemplate template = ChatTemplate.of("dropping", dropping);
        List<ChatMessage> chat = List.of(
                ChatMessage.of("user", "a"),
                ChatMessage.of("assistant", "<think>old</think>one"),
                ChatMessage.of("user", "b"),
                ChatMessage.of("assistant", "<think>new</think>two"));
        assertThat(answers(template, chat, Map.of("eos_token", "<|im_end|>")))
                .containsExactly("one<|im_end|>", "<think>new</think>two<|im_end|>");
    }

    @Test
    void answersAreFoundBehindAnOpeningThoughtOfThePrompt() {
        String thinking =
                CHATML.replace("'<|im_start|>assistant\\n'", "'<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n'");
        ChatTemplate template = ChatTemplate.of("thinking", thinking);
        assertThat(answers(template, CHAT, Map.of("eos_token", "<|im_end|>")))
                .containsExactly("答😀<|im_end|>", "a2<|im_end|>");
    }

    @Test
    void aTemplateThatNeverClosesIsRefusedForTraining() {
        String open = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]";
        assertThatThrownBy(() -> ChatTemplate.of("open", open).renderForTraining(CHAT, Map.of()))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("opens a new turn behind every conversation")
                .hasMessageContaining("{% generation %}");
    }

    @Test
    void aTemplateThatHidesAnswersIsRefusedForTraining() {
        String hiding = "{% for m in messages if m.role == 'user' %}{{ m.content }};{% endfor %}";
        assertThatThrownBy(() -> ChatTemplate.of("hiding", hiding).renderForTraining(CHAT, Map.of()))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("does not print its content");
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        ChatTemplate template = ChatTemplate.of("mine", "{{ '你好' }}\n\n");
        template.write(directory);
        assertThat(Files.readString(directory.resolve("chat_template.jinja"))).isEqualTo("{{ '你好' }}\n\n");
        ChatTemplate read = ChatTemplate.read(directory).orElseThrow();
        assertThat(read.source()).isEqualTo(template.source());
        assertThat(read.digest()).isEqualTo(template.digest()).hasSize(64);
        try (java.util.stream.Stream<Path> files = Files.list(directory)) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void theTemplateFileComesBeforeTheTokenizersConfig() throws IOException {
        assertThat(ChatTemplate.read(directory)).isEmpty();
        config("{\"eos_token\": {\"content\": \"</s>\"}, \"bos_token\": null}");
        assertThat(ChatTemplate.read(directory)).isEmpty();
        assertThat(ChatTemplate.specialTokens(directory)).isEqualTo(Map.of("eos_token", "</s>"));
        config(
                "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"t\"}, {\"name\": \"default\", \"template\": \"d\"}]}");
        assertThat(ChatTemplate.read(directory).orElseThrow().source()).isEqualTo("d");
        config("{\"chat_template\": \"config\"}");
        assertThat(ChatTemplate.read(directory).orElseThrow().source()).isEqualTo("config");
        Files.writeString(directory.resolve("chat_template.jinja"), "file");
        assertThat(ChatTemplate.read(directory).orElseThrow().source()).isEqualTo("file");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"t\"}]}",
                "{\"chat_template\": 5}",
                "{",
                "[1"
            })
    void aConfigThatMakesNoSenseIsNamed(String text) throws IOException {
        config(text);
        assertThatThrownBy(() -> ChatTemplate.read(directory))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("tokenizer_config.json")
                .hasMessageContaining("expected");
    }

    @Test
    void aBrokenTemplateNamesItsFileAndLine() throws IOException {
        Files.writeString(directory.resolve("chat_template.jinja"), "a\n{% if %}");
        assertThatThrownBy(() -> ChatTemplate.read(directory))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("chat_template.jinja, line 2");
    }

    @Test
    void messagesKeepTheirExtraFields() {
        Map<String, Object> json = new HashMap<>();
        json.put("role", "assistant");
        json.put("content", null);
        json.put("tool_calls", List.of(Map.of("function", Map.of("name", "f"))));
        ChatMessage message = ChatMessage.from(json);
        ChatTemplate template = ChatTemplate.of(
                "fields",
                "{{ messages[0].content is none }} {{ messages[0].tool_calls[0].function.name }} {{ tools is none }}");
        assertThat(template.render(List.of(message), false, Map.of())).isEqualTo("True f True");
        ChatMessage thinking = ChatMessage.of("assistant", "x").with("reasoning_content", "r");
        assertThat(ChatTemplate.of("t", "{{ messages[0].thinking }}").render(List.of(thinking), false, Map.of()))
                .isEqualTo("r");
        assertThatThrownBy(() -> ChatMessage.from(Map.of("content", "x")))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("role");
    }

    private static final String CHATML = """
            {%- for m in messages %}
                {{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}
            {%- endfor %}
            {%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
            """;

    private void config(String text) throws IOException {
        Files.writeString(directory.resolve("tokenizer_config.json"), text);
    }

    private static List<String> answers(ChatTemplate template, List<ChatMessage> chat) {
        return answers(template, chat, TOKENS);
    }

    private static List<String> answers(ChatTemplate template, List<ChatMessage> chat, Map<String, Object> variables) {
        RenderedChat rendered = template.renderForTraining(chat, variables);
        assertThat(rendered.text()).isEqualTo(template.render(chat, false, variables));
        return rendered.answers().stream()
                .map(span -> rendered.text().substring(span.start(), span.end()))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen", "llama3", "chatml", "default", "mistral", "user-bot"})
    void aDefaultSystemMessageStandsWhereAConversationHasNone(String name) {
        ChatTemplate plain = ChatTemplates.named(name);
        String system = "你是家电商城的'客服'。\n只说\\知道的。";
        ChatTemplate with = plain.withDefaultSystem(system);
        ChatMessage given = ChatMessage.of("system", system);
        ChatMessage other = ChatMessage.of("system", "另一个");
        ChatMessage asked = ChatMessage.of("user", "冰箱多少钱？");
        Map<String, Object> tokens = Map.of("bos_token", "<s>", "eos_token", "</s>");
        assertThat(with.render(List.of(asked), true, tokens))
                .isEqualTo(plain.render(List.of(given, asked), true, tokens))
                .contains(system);
        assertThat(with.render(List.of(other, asked), true, tokens))
                .isEqualTo(plain.render(List.of(other, asked), true, tokens));
        assertThat(with.inPieces()).isEqualTo(plain.inPieces());
    }
}
