package dev.lingyu.cli;

import dev.lingyu.data.sample.Size;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.serve.Server;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `lingyu quickstart`: the whole chain on the bundled sample domain. Interrupted and started again, it goes
/// on where it was.
@Command(
        name = "quickstart",
        mixinStandardHelpOptions = true,
        description = "Makes a domain model from the bundled sample store, from raw text to a served model.")
final class QuickstartCommand implements Callable<Integer> {

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Where everything goes (default: quickstart; with --base, quickstart-NAME after the base).")
    private @Nullable Path directory;

    @Option(
            names = "--base",
            paramLabel = "DIR",
            description = "A real model (Hugging Face directory) to begin with: it learns the store by LoRA, with its "
                    + "own tokenizer and chat template, instead of a small model from fresh weights.")
    private @Nullable Path base;

    @Option(names = "--no-serve", description = "End after the report instead of serving the model.")
    private boolean noServe;

    @Option(names = "--port", paramLabel = "PORT", description = "The server's port (default: ${DEFAULT-VALUE}).")
    private int port = 7690;

    @Option(
            names = "--size",
            paramLabel = "tiny|small|full",
            description = "How much of the store to learn: 40, 80 or 210 products (default: full; with --base, tiny).")
    private @Nullable Size size;

    @Parameters(
            arity = "0..*",
            paramLabel = "key=value",
            description = "Training settings that win over the recipes' in both stages, such as num_train_epochs=2.")
    private List<String> overrides = List.of();

    private static final String MODEL_ID = "appliance-store";

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        Path model = base == null ? fromScratch(out) : onBase(base, out);
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

    private Path fromScratch(PrintWriter out) throws IOException {
        Path target = directory == null ? Path.of("quickstart") : directory;
        return new Quickstart(target, size == null ? Size.FULL : size, overrides, out).run();
    }

    private Path onBase(Path from, PrintWriter out) throws IOException {
        Path target = directory == null ? Path.of("quickstart-" + Serving.name(from)) : directory;
        Path adapter = new BaseQuickstart(from, target, size == null ? Size.TINY : size, overrides, out).run();
        out.printf("The adapter beside its base, each a model of its own:%n");
        out.printf("    ./lingyu serve --model %s --adapter %s=%s%n", from, MODEL_ID, adapter);
        out.printf("Both as one plain model:%n");
        out.printf("    ./lingyu merge --model %s --output %s%n", adapter, target.resolve("merged"));
        return adapter;
    }
}
