package dev.lingyu.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChatCompletionsTest {
    private static final String PATH = "/v1/chat/completions";
    private static final String GREEDY = ",\"temperature\":0,\"max_tokens\":24,\"ignore_eos\":true";

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
    void anAnswerHasAllThatClientsRead() {
        HttpResponse<String> response = tiny.post(PATH, TinyServer.chat("保修多久？", GREEDY));
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json; charset=utf-8");
        assertThat(response.headers().firstValue("X-Request-Id").orElseThrow()).startsWith("req_");
        JsonNode body = TinyServer.json(response.body());
        assertThat(body.path("id").asText()).startsWith("chatcmpl-");
        assertThat(body.path("object").asText()).isEqualTo("chat.completion");
        assertThat(body.path("created").asLong()).isGreaterThan(1_700_000_000L);
        assertThat(body.path("model").asText()).isEqualTo("tiny");
        assertThat(body.path("system_fingerprint").asText()).matches("fp_[0-9a-f]{10}");
        JsonNode choice = body.path("choices").path(0);
        assertThat(choice.path("index").asInt()).isZero();
        assertThat(choice.path("message").path("role").asText()).isEqualTo("assistant");
        assertThat(choice.path("message").path("content").asText()).isNotEmpty();
        assertThat(choice.path("finish_reason").asText()).isEqualTo("length");
        assertThat(choice.path("logprobs").isNull()).isTrue();
        JsonNode usage = body.path("usage");
        int prompt = tiny.tokenizer().encode("<s>User: 保修多久？\n\nBot: ").length;
        assertThat(usage.path("completion_tokens").asInt()).isEqualTo(24);
        assertThat(usage.path("prompt_tokens").asInt()).isBetween(prompt - 1, prompt + 1);
        assertThat(usage.path("total_tokens").asInt())
                .isEqualTo(24 + usage.path("prompt_tokens").asInt());
    }

    @Test
    void theStreamIsTheWholeAnswerInPieces() {
        String whole = content(tiny.post(PATH, TinyServer.chat("功率是多少？", GREEDY)), 0);
        HttpResponse<String> response = tiny.post(PATH, TinyServer.chat("功率是多少？", GREEDY + ",\"stream\":true"));
        assertThat(response.headers().firstValue("Content-Type")).contains("text/event-stream; charset=utf-8");
        List<JsonNode> events = TinyServer.events(response.body());
        assertThat(events.getFirst().at("/choices/0/delta/role").asText()).isEqualTo("assistant");
        assertThat(events.getLast().at("/choices/0/finish_reason").asText()).isEqualTo("length");
        assertThat(events.getLast().at("/choices/0/delta").isEmpty()).isTrue();
        assertThat(events).allSatisfy(event -> {
            assertThat(event.path("object").asText()).isEqualTo("chat.completion.chunk");
            assertThat(event.path("id")).isEqualTo(events.getFirst().path("id"));
            assertThat(event.has("usage")).isFalse();
        });
        assertThat(joined(events, 0)).isEqualTo(whole);
        assertThat(events.size()).as("several pieces").isGreaterThan(4);
    }

    @Test
    void aBeamSearchGivesItsBestAnswersAndStreamsThemAtItsEnd() {
        String beam = ",\"decoder\":\"beam\",\"num_beams\":3,\"n\":2,\"length_penalty\":0.8,\"max_tokens\":12";
        JsonNode whole =
                TinyServer.json(tiny.post(PATH, TinyServer.chat("保修多久？", beam)).body());
        assertThat(whole.path("choices")).hasSize(2);
        String best = whole.at("/choices/0/message/content").asText();
        assertThat(whole.at("/choices/1/message/content").asText()).isNotEqualTo(best);
        List<JsonNode> events = TinyServer.events(tiny.post(PATH, TinyServer.chat("保修多久？", beam + ",\"stream\":true"))
                .body());
        assertThat(joined(events, 0)).isEqualTo(best);
        assertThat(joined(events, 1))
                .isEqualTo(whole.at("/choices/1/message/content").asText());
        // One beam is the most probable token each time.
        String one = ",\"num_beams\":1,\"max_tokens\":12,\"ignore_eos\":true";
        assertThat(content(tiny.post(PATH, TinyServer.chat("保修多久？", one)), 0))
                .isEqualTo(content(
                        tiny.post(
                                PATH,
                                TinyServer.chat("保修多久？", ",\"temperature\":0,\"max_tokens\":12,\"ignore_eos\":true")),
                        0));
    }

    @Test
    void contrastiveSearchIsTheSameEveryTimeAndTakesTheSettingsThatPagesAlwaysSend() {
        String search = ",\"decoder\":\"contrastive\",\"penalty_alpha\":0.4,\"top_k\":3,\"max_tokens\":12"
                + ",\"temperature\":0.95,\"top_p\":0.7,\"logprobs\":true,\"top_logprobs\":2";
        HttpResponse<String> first = tiny.post(PATH, TinyServer.chat("保修多久？", search));
        assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
        assertThat(content(tiny.post(PATH, TinyServer.chat("保修多久？", search)), 0))
                .isEqualTo(content(first, 0));
        assertThat(TinyServer.json(first.body()).at("/choices/0/logprobs/content/0/top_logprobs"))
                .hasSize(2);
        assertThat(joined(
                        TinyServer.events(tiny.post(PATH, TinyServer.chat("保修多久？", search + ",\"stream\":true"))
                                .body()),
                        0))
                .isEqualTo(content(first, 0));
    }

    @Test
    void usageComesLastWhereItIsAskedFor() {
        List<JsonNode> events = TinyServer.events(tiny.post(
                        PATH,
                        TinyServer.chat("你好", GREEDY + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"))
                .body());
        assertThat(events.getLast().path("choices").isEmpty()).isTrue();
        assertThat(events.getLast().at("/usage/completion_tokens").asInt()).isEqualTo(24);
        assertThat(events.subList(0, events.size() - 1))
                .allSatisfy(event -> assertThat(event.path("usage").isNull()).isTrue());
    }

    @Test
    void theHandbooksCallWorksAsWritten() {
        HttpResponse<String> response = tiny.post(PATH, """
                {"model":"tiny","messages":[{"role":"user","content":"你好，请介绍一下冰箱。"}],
                 "temperature":0.95,"top_p":0.85,"decoder":"sample","max_length":null,
                 "repetition_penalty":1.0,"stream":true,"stop":["。"]}""");
        assertThat(response.statusCode()).isEqualTo(200);
        List<JsonNode> events = TinyServer.events(response.body());
        assertThat(events.getLast().at("/choices/0/finish_reason").asText())
                .as(events.getLast().toString())
                .isIn("stop", "length");
    }

    @Test
    void maxLengthCountsThePrompt() {
        JsonNode body = TinyServer.json(
                tiny.post(PATH, TinyServer.chat("你好", ",\"temperature\":0,\"ignore_eos\":true,\"max_length\":40"))
                        .body());
        assertThat(body.at("/usage/total_tokens").asInt()).isEqualTo(40);
    }

    @Test
    void zeroTemperatureIsGreedyAndASeedRepeatsADraw() {
        String drawn = ",\"temperature\":1.2,\"seed\":5,\"max_tokens\":12";
        assertThat(content(tiny.post(PATH, TinyServer.chat("你好", GREEDY)), 0))
                .isEqualTo(content(
                        tiny.post(
                                PATH,
                                TinyServer.chat("你好", ",\"decoder\":\"greedy\",\"max_tokens\":24,\"ignore_eos\":true")),
                        0));
        assertThat(content(tiny.post(PATH, TinyServer.chat("你好", drawn)), 0))
                .isEqualTo(content(tiny.post(PATH, TinyServer.chat("你好", drawn)), 0));
    }

    @Test
    void severalChoicesAreNumberedInBothForms() {
        String n = ",\"temperature\":1,\"seed\":3,\"n\":3,\"max_tokens\":10";
        HttpResponse<String> whole = tiny.post(PATH, TinyServer.chat("你好", n));
        List<JsonNode> events = TinyServer.events(
                tiny.post(PATH, TinyServer.chat("你好", n + ",\"stream\":true")).body());
        for (int i = 0; i < 3; i++) {
            assertThat(joined(events, i)).isEqualTo(content(whole, i));
        }
        assertThat(content(whole, 0)).isNotEqualTo(content(whole, 1));
    }

    @Test
    void aStopTextEndsTheAnswerAndIsNotPartOfIt() {
        String whole = content(tiny.post(PATH, TinyServer.chat("你好", GREEDY)), 0);
        int[] points = whole.codePoints().filter(c -> c != 0xFFFD && c > ' ').toArray();
        String stop = new String(points, points.length / 2, 1);
        JsonNode body = TinyServer.json(tiny.post(
                        PATH, TinyServer.chat("你好", GREEDY + ",\"stop\":" + Json.MAPPER.valueToTree(stop)))
                .body());
        assertThat(body.at("/choices/0/message/content").asText())
                .isEqualTo(whole.substring(0, whole.indexOf(stop)))
                .doesNotContain(stop);
        assertThat(body.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    }

    @Test
    void logprobsSpellTheAnswerByteForByte() {
        String more = GREEDY + ",\"logprobs\":true,\"top_logprobs\":3";
        JsonNode whole =
                TinyServer.json(tiny.post(PATH, TinyServer.chat("你好", more)).body());
        List<JsonNode> events = TinyServer.events(tiny.post(PATH, TinyServer.chat("你好", more + ",\"stream\":true"))
                .body());
        JsonNode content = whole.at("/choices/0/logprobs/content");
        assertThat(content).hasSize(24);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (JsonNode token : content) {
            assertThat(token.path("logprob").asDouble()).isLessThanOrEqualTo(0);
            assertThat(token.path("top_logprobs")).hasSize(3);
            assertThat(token.at("/top_logprobs/0/token")).as("greedy").isEqualTo(token.path("token"));
            token.path("bytes").forEach(b -> bytes.write(b.intValue()));
        }
        String spelled = bytes.toString(StandardCharsets.UTF_8);
        // What a broken tail of bytes becomes is the decoder's choice; up to there the two are equal.
        String answer = whole.at("/choices/0/message/content").asText();
        int sound = answer.indexOf('\uFFFD') < 0 ? answer.length() : answer.indexOf('\uFFFD');
        assertThat(spelled).startsWith(answer.substring(0, sound));
        List<JsonNode> streamed = events.stream()
                .flatMap(event -> event.at("/choices/0/logprobs/content").valueStream())
                .toList();
        assertThat(streamed).isEqualTo(content.valueStream().toList());
    }

    @Test
    void textPartsAndDeveloperMessagesAreRead() {
        String plain = """
                {"model":"tiny","temperature":0,"max_tokens":8,"messages":[
                 {"role":"system","content":"简短回答。"},{"role":"user","content":"你好吗"}]}""";
        String parts = """
                {"model":"tiny","temperature":0,"max_tokens":8,"messages":[
                 {"role":"developer","content":[{"type":"text","text":"简短"},{"type":"text","text":"回答。"}]},
                 {"role":"user","content":[{"type":"text","text":"你好吗"}]}],"unknown_field":{"x":1}}""";
        assertThat(content(tiny.post(PATH, parts), 0)).isEqualTo(content(tiny.post(PATH, plain), 0));
    }

    @Test
    void logitBiasForcesAToken() {
        int[] ids = tiny.tokenizer().encode("额");
        JsonNode body = TinyServer.json(tiny.post(
                        PATH,
                        TinyServer.chat(
                                "你好", ",\"temperature\":0,\"max_tokens\":2,\"logit_bias\":{\"" + ids[0] + "\":100}"))
                .body());
        assertThat(body.at("/choices/0/message/content").asText())
                .isEqualTo(tiny.tokenizer().decode(new int[] {ids[0], ids[0]}, true));
    }

    private static String content(HttpResponse<String> response, int choice) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TinyServer.json(response.body())
                .at("/choices/" + choice + "/message/content")
                .asText();
    }

    private static String joined(List<JsonNode> events, int choice) {
        return events.stream()
                .flatMap(event -> event.path("choices").valueStream())
                .filter(c -> c.path("index").asInt() == choice)
                .map(c -> c.path("delta").path("content").asText(""))
                .collect(Collectors.joining());
    }
}
