package dev.lingyu.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.engine.EngineOptions;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every refusal: its status, its `param` and `code`, and that its sentence names what is wrong.
class ErrorsTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String TEXT = "/v1/completions";

    private static TinyServer tiny;

    @BeforeAll
    static void start() {
        tiny = TinyServer.start(
                new EngineOptions(4, 64, 8, OptionalInt.of(64)),
                builder -> builder.apiKey("secret-key-1").maxRequestBytes(100_000));
    }

    @AfterAll
    static void stop() {
        tiny.close();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            temperature            | ,"temperature":3                       | from 0 to 2
            temperature            | ,"temperature":"hot"                   | expected a number
            top_p                  | ,"top_p":1.5                           | from 0 to 1
            top_k                  | ,"top_k":1.5                           | expected a whole number
            min_p                  | ,"min_p":-1                            | from 0 to 1
            max_tokens             | ,"max_tokens":0                        | at least 1
            max_completion_tokens  | ,"max_completion_tokens":-4            | at least 1
            max_length             | ,"max_length":2                        | the prompt alone has
            n                      | ,"n":0                                 | from 1 to 128
            n                      | ,"n":99999999999                       | smaller
            stop                   | ,"stop":[1]                            | a string or a list of strings
            stop                   | ,"stop":""                             | at least one character
            seed                   | ,"seed":"x"                            | a whole number
            presence_penalty       | ,"presence_penalty":-3                 | from -2 to 2
            frequency_penalty      | ,"frequency_penalty":9                 | from -2 to 2
            repetition_penalty     | ,"repetition_penalty":0                | above 0
            min_tokens             | ,"min_tokens":9,"max_tokens":3         | max_tokens
            logit_bias             | ,"logit_bias":{"a":1}                  | token id
            logit_bias             | ,"logit_bias":{"99999":1}              | ids 0 to
            logit_bias             | ,"logit_bias":{"5":101}                | from -100 to 100
            top_logprobs           | ,"top_logprobs":2                      | "logprobs": true
            top_logprobs           | ,"logprobs":true,"top_logprobs":21     | from 0 to 20
            logprobs               | ,"logprobs":3                          | true or false
            stream                 | ,"stream":"yes"                        | true or false
            stream_options         | ,"stream_options":{}                   | "stream": true
            num_beams              | ,"decoder":"sample","num_beams":3      | setting of beam search
            penalty_alpha          | ,"num_beams":2,"penalty_alpha":0.5     | no effect with beam
            num_beams              | ,"num_beams":65                        | from 1 to 64
            early_stopping         | ,"early_stopping":"soon"               | "never"
            n                      | ,"decoder":"beam","n":5                | num_beams
            n                      | ,"decoder":"contrastive","n":2         | same answer every time
            penalty_alpha          | ,"penalty_alpha":1.5                   | from 0 to 1
            logprobs               | ,"num_beams":2,"logprobs":true,"top_logprobs":2 | no alternatives
            decoder                | ,"decoder":"magic"                     | greedy, sample
            tools                  | ,"tools":[{"type":"function"}]         | not supported
            response_format        | ,"response_format":{"type":"json_object"} | not supported
            messages               | ,"messages":[]                         | at least one message
            messages               | ,"messages":"hi"                       | a list of messages
            messages[0]            | ,"messages":["hi"]                     | an object
            messages[0].role       | ,"messages":[{"content":"x"}]          | missing
            messages[0].role       | ,"messages":[{"role":"king","content":"x"}] | "king"
            messages[0].content    | ,"messages":[{"role":"user"}]          | missing
            messages[0].content[0].type | ,"messages":[{"role":"user","content":[{"type":"image_url"}]}] | "image_url"
            messages               | ,"messages":[{"role":"tool","content":"x"}] | knows the roles
            """)
    void aWrongFieldOfAChatIsNamed(String param, String field, String sentence) {
        // Of two fields with the same name, the later one counts.
        JsonNode error = refused(400, post(CHAT, TinyServer.chat("你好", field)));
        assertThat(error.path("param").asText()).isEqualTo(param);
        assertThat(error.path("message").asText()).contains(sentence);
        assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            prompt      | "x":1                                  | missing
            prompt      | "prompt":{}                            | a string, a list
            prompt      | "prompt":""                            | empty
            prompt      | "prompt":[]                            | empty
            prompt      | "prompt":[1,"a"]                       | token ids only
            prompt[1]   | "prompt":["a",5]                       | expected a string
            prompt      | "prompt":[99999]                       | ids 0 to
            suffix      | "prompt":"a","suffix":"b"              | not supported
            best_of     | "prompt":"a","best_of":3               | expected the same as n
            logprobs    | "prompt":"a","logprobs":40             | from 0 to 20
            echo        | "prompt":"a","logprobs":1,"echo":true  | not supported
            """)
    void aWrongFieldOfACompletionIsNamed(String param, String fields, String sentence) {
        JsonNode error = refused(400, post(TEXT, "{\"model\":\"tiny\"," + fields + "}"));
        assertThat(error.path("param").asText()).isEqualTo(param);
        assertThat(error.path("message").asText()).contains(sentence);
    }

    @Test
    void malformedJsonIsRefusedWithItsPlace() {
        JsonNode error = refused(400, post(CHAT, "{\"model\":\"tiny\",\n  \"messages\": [}"));
        assertThat(error.path("message").asText()).contains("line 2, column 16");
        assertThat(error.path("code").asText()).isEqualTo("invalid_json");
        refused(400, post(CHAT, ""));
        refused(400, post(CHAT, "[1]"));
        refused(400, post(CHAT, "{} {}"));
        refused(400, post(CHAT, "[".repeat(5000)));
    }

    @Test
    void aMissingOrUnknownModelIsRefused() {
        assertThat(refused(400, post(CHAT, "{}")).path("param").asText()).isEqualTo("model");
        JsonNode error = refused(404, post(CHAT, "{\"model\":\"gpt-9\"}"));
        assertThat(error.path("code").asText()).isEqualTo("model_not_found");
        assertThat(error.path("param").asText()).isEqualTo("model");
        assertThat(error.path("message").asText()).contains("gpt-9").contains("tiny");
        refused(404, tiny.send(authorized("/v1/models/gpt-9").GET().build()));
    }

    @Test
    void anUnknownPathOrMethodIsRefused() {
        assertThat(refused(404, tiny.get("/v2/x")).path("code").asText()).isEqualTo("unknown_url");
        HttpResponse<String> response = tiny.send(authorized(CHAT).GET().build());
        assertThat(refused(405, response).path("message").asText()).contains("use POST");
        assertThat(response.headers().firstValue("Allow").orElseThrow()).contains("POST");
        refused(405, tiny.send(authorized("/v1/models").DELETE().build()));
    }

    @Test
    void theApiKeyIsNeeded() {
        for (HttpRequest.Builder request : new HttpRequest.Builder[] {
            tiny.request("/v1/models"),
            tiny.request("/v1/models").header("Authorization", "Bearer wrong"),
            tiny.request("/v1/models").header("Authorization", "Basic eDp5")
        }) {
            HttpResponse<String> response = tiny.send(request.build());
            assertThat(refused(401, response).path("code").asText()).isEqualTo("invalid_api_key");
            assertThat(response.headers().firstValue("WWW-Authenticate")).contains("Bearer");
        }
        assertThat(tiny.get("/health").statusCode()).isEqualTo(200);
        assertThat(tiny.get("/").statusCode()).isEqualTo(200);
    }

    @Test
    void tooLargeABodyIsRefusedWhetherItsLengthIsToldOrNot() {
        String large = TinyServer.chat("大".repeat(50_000), "");
        assertThat(refused(413, post(CHAT, large)).path("code").asText()).isEqualTo("request_too_large");
        HttpRequest chunked = authorized(CHAT)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.fromPublisher(HttpRequest.BodyPublishers.ofString(large)))
                .build();
        refused(413, tiny.send(chunked));
    }

    @Test
    void anotherContentTypeIsRefused() {
        HttpRequest form = authorized(CHAT)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("a=b"))
                .build();
        assertThat(refused(415, tiny.send(form)).path("message").asText()).contains("application/json");
    }

    @Test
    void whatTheContextCannotHoldIsRefused() {
        JsonNode prompt = refused(400, post(CHAT, TinyServer.chat("空调冰箱".repeat(50), "")));
        assertThat(prompt.path("code").asText()).isEqualTo("context_length_exceeded");
        assertThat(prompt.path("message").asText()).contains("64 tokens");
        JsonNode answer = refused(400, post(CHAT, TinyServer.chat("你好", ",\"max_tokens\":64")));
        assertThat(answer.path("code").asText()).isEqualTo("context_length_exceeded");
        assertThat(refused(400, post(TEXT, "{\"model\":\"tiny\",\"prompt\":\"你好\",\"max_tokens\":64}"))
                        .path("param")
                        .asText())
                .isEqualTo("prompt");
    }

    @Test
    void tooManyRequestsAtOnceAreToldToComeBack() {
        String prompts = "\"a\",".repeat(200) + "\"a\"";
        HttpResponse<String> response = post(TEXT, "{\"model\":\"tiny\",\"prompt\":[" + prompts + "]}");
        assertThat(refused(429, response).path("code").asText()).isEqualTo("rate_limit_exceeded");
        assertThat(response.headers().firstValue("Retry-After")).contains("1");
    }

    @Test
    void halfASurrogatePairIsReplacedAndNotFatal() {
        assertThat(post(CHAT, TinyServer.chat("\\ud83d", ",\"max_tokens\":2")).statusCode())
                .isEqualTo(200);
    }

    @Test
    void garbageOnTheSocketIsAnsweredInOpenAisForm() throws IOException {
        try (Socket socket = new Socket("127.0.0.1", tiny.server().port())) {
            socket.getOutputStream().write("GET /\u0001 nonsense\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().flush();
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("HTTP/1.1 400").contains("{\"error\":{\"message\":");
        }
    }

    @Test
    void aPortInUseIsToldInASentence() {
        assertThatThrownBy(() -> Server.builder()
                        .model("tiny", tiny.engine())
                        .port(tiny.server().port())
                        .start())
                .isInstanceOf(ServeException.class)
                .hasMessageContaining("Port " + tiny.server().port())
                .hasMessageContaining("choose another port");
    }

    private static HttpRequest.Builder authorized(String path) {
        return tiny.request(path).header("Authorization", "Bearer secret-key-1");
    }

    private static HttpResponse<String> post(String path, String json) {
        return tiny.send(authorized(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json))
                .build());
    }

    private static JsonNode refused(int status, HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        JsonNode error = TinyServer.json(response.body()).path("error");
        assertThat(error.fieldNames()).toIterable().contains("message", "type", "param", "code");
        assertThat(error.path("message").asText()).endsWith(".");
        return error;
    }
}
