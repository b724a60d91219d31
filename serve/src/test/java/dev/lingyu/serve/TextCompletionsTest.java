package dev.lingyu.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TextCompletionsTest {
    private static final String GREEDY = ",\"temperature\":0,\"ignore_eos\":true";

    private static TinyServer tiny;

    @BeforeAll
    static void start() {
        tiny = TinyServer.start();
    }

    @AfterAll
    static void stop() {
        tiny.close();
    }

    @Test
    void sixteenTokensAreTheDefault() {
        JsonNode body = complete("\"空调的功率\"", "");
        assertThat(body.path("id").asText()).startsWith("cmpl-");
        assertThat(body.path("object").asText()).isEqualTo("text_completion");
        assertThat(body.at("/usage/completion_tokens").asInt()).isEqualTo(16);
        assertThat(body.at("/choices/0/text").asText()).isNotEmpty();
        assertThat(body.at("/choices/0/finish_reason").asText()).isEqualTo("length");
    }

    @Test
    void tokenIdsGiveWhatTheirTextGives() {
        String text = "洗衣机支持退货";
        String ids = Arrays.toString(tiny.tokenizer().encode(text));
        assertThat(complete(ids, "").path("choices"))
                .isEqualTo(complete("\"" + text + "\"", "").path("choices"));
        assertThat(complete("[" + ids + "," + ids + "]", "").path("choices")).hasSize(2);
    }

    @Test
    void choicesAreNumberedPromptByPrompt() {
        JsonNode both = complete("[\"空调\",\"冰箱保修\"]", ",\"n\":2");
        assertThat(both.path("choices")).hasSize(4);
        for (int i = 0; i < 4; i++) {
            assertThat(both.at("/choices/" + i + "/index").asInt()).isEqualTo(i);
        }
        assertThat(both.at("/choices/0/text").asText())
                .isEqualTo(complete("\"空调\"", "").at("/choices/0/text").asText());
        assertThat(both.at("/choices/2/text").asText())
                .isEqualTo(complete("\"冰箱保修\"", "").at("/choices/0/text").asText());
        assertThat(both.at("/usage/completion_tokens").asInt()).isEqualTo(64);
        assertThat(both.at("/usage/prompt_tokens").asInt())
                .isEqualTo(
                        tiny.tokenizer().encode("空调").length + tiny.tokenizer().encode("冰箱保修").length);
    }

    @Test
    void echoPutsThePromptInFront() {
        String bare = complete("\"电饭煲\"", "").at("/choices/0/text").asText();
        assertThat(complete("\"电饭煲\"", ",\"echo\":true").at("/choices/0/text").asText())
                .isEqualTo("电饭煲" + bare);
        assertThat(streamed("\"电饭煲\"", ",\"echo\":true")).isEqualTo("电饭煲" + bare);
    }

    @Test
    void theStreamIsTheWholeAnswerInPieces() {
        assertThat(streamed("\"电饭煲\"", ""))
                .isEqualTo(complete("\"电饭煲\"", "").at("/choices/0/text").asText());
    }

    @Test
    void logprobsAreFourListsOfEqualLength() {
        JsonNode logprobs = complete("\"电饭煲\"", ",\"logprobs\":2").at("/choices/0/logprobs");
        assertThat(logprobs.path("tokens")).hasSize(16);
        assertThat(logprobs.path("token_logprobs")).hasSize(16).allMatch(p -> p.asDouble() <= 0);
        assertThat(logprobs.path("top_logprobs")).hasSize(16).allMatch(p -> p.size() >= 1 && p.size() <= 2);
        assertThat(logprobs.path("text_offset")).hasSize(16);
        assertThat(logprobs.at("/text_offset/0").asInt()).isZero();
    }

    private static JsonNode complete(String prompt, String more) {
        HttpResponse<String> response =
                tiny.post("/v1/completions", "{\"model\":\"tiny\",\"prompt\":" + prompt + GREEDY + more + "}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TinyServer.json(response.body());
    }

    private static String streamed(String prompt, String more) {
        List<JsonNode> events = TinyServer.events(tiny.post(
                        "/v1/completions",
                        "{\"model\":\"tiny\",\"stream\":true,\"prompt\":" + prompt + GREEDY + more + "}")
                .body());
        assertThat(events).allMatch(e -> e.path("object").asText().equals("text_completion"));
        return events.stream()
                .map(event -> event.at("/choices/0/text").asText())
                .collect(Collectors.joining());
    }
}
