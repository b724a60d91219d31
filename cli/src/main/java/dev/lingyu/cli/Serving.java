package dev.lingyu.cli;

import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.serve.Server;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// A server's life in a terminal: it loads, says what to open, and ends well on Ctrl-C or SIGTERM.
final class Serving {
    static final int PORT = 7690;

    private static final Duration GRACE = Duration.ofSeconds(20);

    private final PrintWriter out;
    private final EngineOptions engineOptions;

    Serving(PrintWriter out) {
        this(out, EngineOptions.defaults());
    }

    Serving(PrintWriter out, EngineOptions engineOptions) {
        this.out = out;
        this.engineOptions = engineOptions;
    }

    /// Serves until the process is told to end.
    ///
    /// @param modelId the model's name; empty for that of its directory
    /// @param builder host, port and API key
    int run(Path directory, LanguageModel.Options options, Optional<String> modelId, Server.Builder builder) {
        return run(directory, options, modelId, Map.of(), builder);
    }

    /// @param adapters by the name under which each is a model of its own, over the same weights
    int run(
            Path directory,
            LanguageModel.Options options,
            Optional<String> modelId,
            Map<String, Path> adapters,
            Server.Builder builder) {
        adapters.values().forEach(AdapterConfig::read);
        // A port in use is told before a large model is loaded.
        builder.checkPort();
        String id = modelId.orElseGet(() -> name(directory));
        long start = System.nanoTime();
        out.println("Loading " + directory + " …");
        out.flush();
        CountDownLatch stop = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        try (LanguageModel model = LanguageModel.open(directory, options);
                Engine engine = Engine.start(model, engineOptions);
                AdaptedEngines adapted = AdaptedEngines.start(model, adapters, engineOptions);
                Server server = adapted.addTo(builder.model(id, engine), id)
                        .grace(GRACE)
                        .start()) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> end(stop, stopped)));
            out.printf(
                    Locale.ROOT,
                    "Loaded %s (%,d parameters) in %.1f s.%n",
                    id,
                    model.decoder().parameterCount(),
                    (System.nanoTime() - start) / 1e9);
            if (!adapters.isEmpty()) {
                out.println("Adapters, each a model of its own: " + String.join(", ", adapters.keySet()) + ".");
            }
            out.println("Open " + server.url() + "/ to chat, or point an OpenAI client at " + server.url() + "/v1 .");
            out.println("Ctrl-C ends the server; answers that are being written may finish first.");
            out.flush();
            stop.await();
            if (server.runningRequests() > 0) {
                out.printf(
                        "Waiting up to %d s for %d answers; another signal won't hurry it.%n",
                        GRACE.toSeconds(), server.runningRequests());
                out.flush();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        out.println("Stopped.");
        out.flush();
        stopped.countDown();
        return 0;
    }

    private static void end(CountDownLatch stop, CountDownLatch stopped) {
        stop.countDown();
        try {
            if (stopped.await(GRACE.toSeconds() + 10, TimeUnit.SECONDS)) {
                // A JVM that was signalled would end with 128 + the signal's number: it did what it was
                // asked.
                Runtime.getRuntime().halt(0);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// What a directory or file is called when nobody says otherwise.
    static String name(Path directory) {
        Path last = directory.toAbsolutePath().normalize().getFileName();
        return last == null ? "model" : last.toString().replaceFirst("\\.gguf$", "");
    }
}
