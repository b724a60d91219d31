package dev.lingyu.cli;

import dev.lingyu.engine.EngineOptions;
import dev.lingyu.serve.Server;
import java.io.PrintWriter;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu serve`: a model behind the OpenAI API, and a page to chat with it.
///
/// Each `--adapter NAME=DIR` is a model of its own, called NAME, over the same weights.
@Command(
        name = "serve",
        description = "Serves a model: the OpenAI API under /v1 and a chat page at /.",
        mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {

    @Mixin
    private final ModelOptions model = new ModelOptions();

    @Option(names = "--port", paramLabel = "PORT", description = "The port to listen on (default: ${DEFAULT-VALUE}).")
    private int port = Serving.PORT;

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            description = "The address to listen on (default: ${DEFAULT-VALUE}, only this machine; 0.0.0.0: all).")
    private String host = "127.0.0.1";

    @Option(
            names = "--model-id",
            paramLabel = "NAME",
            description = "The name by which clients ask for the model (default: that of its directory or file).")
    private Optional<String> modelId = Optional.empty();

    @Option(
            names = "--api-key",
            paramLabel = "KEY",
            defaultValue = "${env:LINGYU_API_KEY}",
            description = "What clients must send as bearer token (default: the variable LINGYU_API_KEY, else none).")
    private Optional<String> apiKey = Optional.empty();

    @Option(
            names = "--batch-invariant",
            description =
                    "Fixed row tiles: in 16 bits, too, a seed gives the same tokens whatever else is asked. Slower.")
    private boolean batchInvariant;

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        Server.Builder server = Server.builder().host(host).port(port);
        apiKey.filter(key -> !key.isEmpty()).ifPresent(server::apiKey);
        return new Serving(out, EngineOptions.defaults().withBatchInvariant(batchInvariant))
                .run(model.directory(), model.options(), modelId, model.adapters(), server);
    }
}
