package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.model.Activation;
import dev.lingyu.model.DecoderConfig;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Position;
import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.DType;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/// A server over a tiny BLOOM with random weights, and a plain HTTP client. Its answers are nonsense, and always the
/// same nonsense.
final class TinyServer implements AutoCloseable {
    static final String MODEL = "tiny";
    static final int CONTEXT = 20_000;
    private static final List<String> SENTENCES = List.of(
            "这台空调的额定功率是多少？额定功率是一千二百瓦。",
            "洗衣机支持七天无理由退货吗？支持，签收之日起七天内可以申请。",
            "电饭煲的容量是四升，适合三到五人的家庭使用。",
            "User: 冰箱保修多久？\n\nBot: 整机保修一年，压缩机保修十年。");

    private final Path directory;
    private final LanguageModel model;
    private final Engine engine;
    private final Server server;
    private final HttpClient http = HttpClient.newHttpClient();

    /// How a test wants its server.
    interface Settings {
        Server.Builder apply(Server.Builder builder);
    }

    private TinyServer(Path directory, LanguageModel model, Engine engine, Server server) {
        this.directory = directory;
        this.model = model;
        this.engine = engine;
        this.server = server;
    }

    static TinyServer start() {
        return start(EngineOptions.defaults(), b -> b);
    }

    static TinyServer start(EngineOptions options, Settings settings) {
        Path directory;
        try {
            directory = Files.createTempDirectory("tiny-model");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(400));
        SENTENCES.forEach(trainer::add);
        trainer.train(size -> {}).save(directory);
        Tokenizer tokenizer = Tokenizer.open(directory);
        DecoderConfig decoder = DecoderConfig.builder(new Position.Alibi())
                .vocabularySize(tokenizer.vocabularySize())
                .hiddenSize(32)
                .layers(2)
                .heads(4)
                .keyValueHeads(4)
                .headSize(8)
                .intermediateSize(64)
                .norm(DecoderConfig.Norm.LAYER_NORM)
                .normEpsilon(1e-5)
                .activation(Activation.GELU_TANH)
                .projections(DecoderConfig.Projections.FUSED_BY_HEAD)
                .biases(new DecoderConfig.Biases(true, true, true))
                .embeddingNorm(true)
                .tiedHead(true)
                .maxPositions(CONTEXT)
                .initializerRange(0.5)
                .build();
        ModelConfig config = ModelConfig.of(
                "bloom", decoder, new ModelConfig.SpecialTokens(OptionalInt.of(1), List.of(2), OptionalInt.of(3)));
        LanguageModel model = LanguageModel.create(config, tokenizer, Optional.empty(), DType.F32, 7);
        Engine engine = Engine.start(model, options);
        Server server = settings.apply(
                        Server.builder().model(MODEL, engine).port(0).grace(Duration.ofSeconds(5)))
                .start();
        return new TinyServer(directory, model, engine, server);
    }

    Server server() {
        return server;
    }

    Engine engine() {
        return engine;
    }

    Tokenizer tokenizer() {
        return model.requireTokenizer();
    }

    HttpResponse<String> get(String path) {
        return send(request(path).GET().build());
    }

    HttpResponse<String> post(String path, String json) {
        return send(request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json))
                .build());
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(server.url() + path));
    }

    HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /// A chat request with further fields, such as `,"stream":true`.
    static String chat(String question, String more) {
        return "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]%s}"
                .formatted(MODEL, question, more);
    }

    static JsonNode json(String text) {
        try {
            return Json.MAPPER.readTree(text);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /// The JSON of each event but the last, which must be `[DONE]`.
    static List<JsonNode> events(String body) {
        List<String> frames = new ArrayList<>(List.of(body.split("\n\n", -1)));
        if (!frames.removeLast().isEmpty() || !frames.removeLast().equals("data: [DONE]")) {
            throw new AssertionError("The stream does not end with [DONE] and a blank line: " + body);
        }
        return frames.stream()
                .map(frame -> {
                    if (!frame.startsWith("data: ") || frame.contains("\n")) {
                        throw new AssertionError("Not one data line: " + frame);
                    }
                    return json(frame.substring(6));
                })
                .toList();
    }

    /// Waits for something that happens on other threads.
    static void eventually(String what, BooleanSupplier holds) {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("This did not happen within a minute: " + what);
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    @Override
    public void close() {
        http.close();
        server.close();
        engine.close();
        model.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
