package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Templates with `tool_format`, against what LLaMA-Factory writes (`interop/make-tool-format-fixture.py`).
class ToolFormatsTest {
    /// Difference made on purpose: what a model is taught about tools does not hang on the day of its training.
    private static final String DATE = "Cutting Knowledge Date: December 2023\nToday Date: \\d\\d \\w{3} \\d{4}\n\n";

    private static final ObjectMapper JSON = new ObjectMapper();

    record Case(String template, String format, String eos, String text) {
        @Override
        public String toString() {
            return template + " with tools as in " + format;
        }
    }

    private static JsonNode fixture() throws IOException {
        return JSON.readTree(Files.readAllBytes(Path.of("src/test/resources/chat-templates/tool-formats.json")));
    }

    static Stream<Case> cases() throws IOException {
        return StreamSupport.stream(fixture().path("cases").spliterator(), false)
                .map(c -> new Case(
                        c.path("template").asText(),
                        c.path("tool_format").asText(),
                        c.path("eos").asText(),
                        c.path("text").asText()));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void toolsAreWrittenAsLlamaFactoryWritesThem(Case expected) throws IOException {
        Object tools = JSON.convertValue(fixture().path("tools"), new TypeReference<List<Object>>() {});
        Object call = JSON.convertValue(fixture().path("call"), new TypeReference<Map<String, Object>>() {});
        List<ChatMessage> chat = List.of(
                ChatMessage.of("system", "你是店员。"),
                ChatMessage.of("user", "云锦多少钱？"),
                ChatMessage.of("assistant", "").with("tool_calls", List.of(Map.of("function", call))),
                ChatMessage.of("tool", "{\"price\": 399}"),
                ChatMessage.of("assistant", "399 元。"));
        String ours = ChatTemplates.withTools(expected.template(), expected.format())
                .render(chat, false, Map.of("tools", tools, "eos_token", expected.eos()));
        assertThat(ours).isEqualTo(expected.text().replaceFirst(DATE, ""));
    }

    @Test
    void unknownFormatsAndTemplatesWithoutToolsAreNamed() {
        assertThatThrownBy(() -> ChatTemplates.withTools("qwen", "hermes"))
                .isInstanceOf(ModelException.class)
                .hasMessage(
                        "There is no format of tools called 'hermes'; there are default, qwen, glm4, llama3, mistral.");
        assertThatThrownBy(() -> ChatTemplates.withTools("user-bot", "qwen"))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("'user-bot' has no place for tools");
    }
}
