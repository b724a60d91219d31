package dev.lingyu.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.engine.EngineOptions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ShutdownTest {
    private static final String PATH = "/v1/chat/completions";

    @Test
    void aRunningAnswerIsFinishedAndNewOnesAreRefused() {
        try (TinyServer tiny = TinyServer.start(EngineOptions.defaults(), b -> b.grace(Duration.ofMinutes(1)))) {
            CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> tiny.post(
                            PATH,
                            TinyServer.chat(
                                    "你好", ",\"stream\":true,\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":400"))
                    .body());
            TinyServer.eventually("it runs", () -> tiny.server().runningRequests() == 1);
            Thread closer = Thread.ofVirtual().start(tiny.server()::close);
            TinyServer.eventually(
                    "it is closing or answered",
                    () -> answer.isDone() || tiny.get("/health").statusCode() == 503);
            List<JsonNode> events = TinyServer.events(answer.join());
            assertThat(events.getLast().at("/choices/0/finish_reason").asText()).isEqualTo("length");
            TinyServer.eventually("it is closed", () -> !closer.isAlive());
        }
    }

    @Test
    void anAnswerThatTakesTooLongIsCutOffCleanly() {
        try (TinyServer tiny = TinyServer.start(EngineOptions.defaults(), b -> b.grace(Duration.ZERO))) {
            CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> tiny.post(
                            PATH,
                            TinyServer.chat(
                                    "你好",
                                    ",\"stream\":true,\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":19000"))
                    .body());
            TinyServer.eventually("it runs", () -> tiny.server().runningRequests() == 1);
            tiny.server().close();
            List<JsonNode> events = TinyServer.events(answer.join());
            assertThat(events.getLast().at("/choices/0/finish_reason").asText()).isEqualTo("cancelled");
        }
    }
}
