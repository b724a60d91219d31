package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.serve.Server;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu quickstart`: the whole chain on the bundled sample domain. Interrupted and started again, it goes
/// on where it was.
@Command(
        name = "quickstart",
        mixinStandardHelpOptions = true,
        description = "Makes a domain model from the bundled sample store, from raw text to a served model.")
final class QuickstartCommand implements Callable<Integer> {

    @Option(names = "--dir", paramLabel = "DIR", description = "Where everything goes (default: ${DEFAULT-VALUE}).")
    private Path directory = Path.of("quickstart");

    @Option(names = "--no-serve", description = "End after the report instead of serving the model.")
    private boolean noServe;

    @Option(names = "--port", paramLabel = "PORT", description = "The server's port (default: ${DEFAULT-VALUE}).")
    private int port = 7690;

    private static final String MODEL_ID = "appliance-store";

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        Path model = new Quickstart(directory, out).run();
        if (noServe) {
            out.printf("To talk to the model:  ./lingyu serve --model %s%n", model);
            return 0;
        }
        return new Serving(out)
                .run(
                        model,
                        LanguageModel.Options.inference(),
                        Optional.of(MODEL_ID),
                        Server.builder().port(port));
    }
}
