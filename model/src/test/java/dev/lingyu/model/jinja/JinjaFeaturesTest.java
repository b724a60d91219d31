package dev.lingyu.model.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/// Small templates, one per feature, against what jinja2 made of them (`interop/chat-templates/features.py`).
class JinjaFeaturesTest {
    @Test
    void everySmallTemplateRendersAsInJinja2() throws IOException {
        JsonNode fixture = fixture();
        Map<String, Object> variables =
                new ObjectMapper().convertValue(fixture.get("variables"), new TypeReference<>() {});
        List<String> differences = new ArrayList<>();
        for (JsonNode feature : fixture.get("cases")) {
            String template = feature.get("template").textValue();
            String expected = feature.has("rendered") ? feature.get("rendered").textValue() : "an error";
            String found;
            try {
                found = Template.parse("feature", template).render(variables).text();
            } catch (TemplateException e) {
                found = feature.has("error") ? "an error" : "error: " + e.getMessage();
            }
            if (!found.equals(expected)) {
                differences.add(template + "\n    expected " + expected
                        + feature.path("error").asText("") + "\n    found    " + found);
            }
        }
        assertThat(fixture.get("cases").size()).isGreaterThan(1000);
        assertThat(String.join("\n", differences)).isEmpty();
    }

    private static JsonNode fixture() throws IOException {
        try (InputStream file =
                Objects.requireNonNull(JinjaFeaturesTest.class.getResourceAsStream("/chat-templates/features.json"))) {
            return new ObjectMapper().readTree(file);
        }
    }
}
