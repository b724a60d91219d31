package dev.lingyu.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Many requests at once, clients that hang up, connections that are used again, and native memory.
class ConnectionsTest {
    private static final String PATH = "/v1/chat/completions";
    private static final String ENDLESS = ",\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":19000";

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
    void eightParallelStreamsGiveTheTextOfEachAlone() throws Exception {
        List<String> requests = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            requests.add(TinyServer.chat(
                    "问题".repeat(i + 1),
                    ",\"temperature\":0,\"ignore_eos\":true,\"stream\":true,\"max_tokens\":" + (20 + i)));
        }
        List<String> alone = requests.stream().map(ConnectionsTest::streamed).toList();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<String>> tasks = requests.stream()
                    .map(request -> (Callable<String>) () -> streamed(request))
                    .toList();
            List<String> together = new ArrayList<>();
            for (Future<String> answer : pool.invokeAll(tasks)) {
                together.add(answer.get());
            }
            assertThat(together).isEqualTo(alone);
        }
        assertThat(alone.stream().distinct().count()).as("different answers").isGreaterThan(1);
    }

    @Test
    void aClientThatLeavesAStreamEndsTheGeneration() throws IOException {
        leave(",\"stream\":true", "data: ");
    }

    @Test
    void aClientThatLeavesWhileItWaitsForAWholeAnswerEndsTheGeneration() throws IOException {
        leave("", "");
    }

    private static void leave(String more, String waitFor) throws IOException {
        TinyServer.eventually("idle before", () -> tiny.server().runningRequests() == 0);
        long idle = idleTensors();
        try (Socket socket = new Socket("127.0.0.1", tiny.server().port())) {
            send(socket, TinyServer.chat("你好", ENDLESS + more), true);
            readUntil(socket.getInputStream(), waitFor);
            TinyServer.eventually("the engine works", () -> Tensor.liveCount() > idle);
        }
        TinyServer.eventually("the request is over", () -> tiny.server().runningRequests() == 0);
        // The cache of an endless answer would be there for minutes.
        TinyServer.eventually("the engine is idle", () -> Tensor.liveCount() == idle);
    }

    /// Tensors that live while the engine does nothing: counted behind an answer.
    private static long idleTensors() {
        tiny.post(PATH, TinyServer.chat("你好", ",\"max_tokens\":1"));
        long count = Tensor.liveCount();
        TinyServer.eventually("settled", () -> Tensor.liveCount() <= count);
        return Tensor.liveCount();
    }

    @Test
    void aConnectionServesTheNextRequestBehindAStream() throws IOException {
        try (Socket socket = new Socket("127.0.0.1", tiny.server().port())) {
            String request = TinyServer.chat("你好", ",\"stream\":true,\"temperature\":0,\"max_tokens\":5");
            send(socket, request, false);
            String first = readUntil(socket.getInputStream(), "data: [DONE]\n\n\r\n0\r\n\r\n");
            send(socket, request, false);
            String second = readUntil(socket.getInputStream(), "data: [DONE]\n\n\r\n0\r\n\r\n");
            send(socket, TinyServer.chat("你好", ",\"max_tokens\":1"), true);
            String third = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(first).startsWith("HTTP/1.1 200");
            assertThat(second).startsWith("HTTP/1.1 200");
            assertThat(third).startsWith("HTTP/1.1 200").contains("\"chat.completion\"");
        }
    }

    @Test
    void requestsThatAreSentAheadAreAnsweredInOrder() throws IOException {
        try (Socket socket = new Socket("127.0.0.1", tiny.server().port())) {
            send(socket, TinyServer.chat("你好", ",\"temperature\":0,\"max_tokens\":3"), false);
            send(socket, TinyServer.chat("你好", ",\"temperature\":0,\"max_tokens\":4"), false);
            send(socket, TinyServer.chat("你好", ",\"temperature\":0,\"max_tokens\":5"), true);
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(all.split("HTTP/1.1 200", -1)).hasSize(4);
        }
    }

    @Test
    void twoHundredRequestsLeaveNoTensorsBehind() throws Exception {
        long before = idleTensors();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int round = 0; round < 25; round++) {
                List<Callable<Integer>> tasks = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    String more = switch (i) {
                        case 0, 1 -> ",\"stream\":true,\"n\":2";
                        case 2 -> ",\"logprobs\":true,\"top_logprobs\":2";
                        case 3 -> ",\"temperature\":9";
                        default -> ",\"temperature\":0";
                    };
                    tasks.add(() -> tiny.post(PATH, TinyServer.chat("保修", more + ",\"max_tokens\":6"))
                            .statusCode());
                }
                List<Future<Integer>> statuses = pool.invokeAll(tasks);
                for (int i = 0; i < 8; i++) {
                    assertThat(statuses.get(i).get()).isEqualTo(i == 3 ? 400 : 200);
                }
            }
        }
        TinyServer.eventually("as many tensors as before", () -> Tensor.liveCount() == before);
        assertThat(tiny.server().runningRequests()).isZero();
    }

    private static String streamed(String request) {
        HttpResponse<String> response = tiny.post(PATH, request);
        return TinyServer.events(response.body()).stream()
                .map((JsonNode event) -> event.at("/choices/0/delta/content").asText(""))
                .collect(Collectors.joining());
    }

    private static void send(Socket socket, String json, boolean last) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        String head = "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".formatted(PATH)
                + "Content-Length: " + body.length + "\r\n" + (last ? "Connection: close\r\n" : "") + "\r\n";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(body);
        socket.getOutputStream().flush();
    }

    private static String readUntil(InputStream in, String mark) throws IOException {
        StringBuilder text = new StringBuilder();
        while (text.indexOf(mark) < 0) {
            int next = in.read();
            if (next < 0) {
                throw new AssertionError("The connection ended before '" + mark + "': " + text);
            }
            text.append((char) next);
        }
        return text.toString();
    }
}
