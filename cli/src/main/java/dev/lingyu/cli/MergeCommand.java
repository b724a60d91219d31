package dev.lingyu.cli;

import dev.lingyu.model.Adapter;
import dev.lingyu.model.LanguageModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu merge`: a model and its adapters as one plain model.
///
/// `--model` may be an adapter's directory itself, whose base model is then the one it names. Weights are
/// merged in f32 and saved in the base's type unless `--dtype` says otherwise.
@Command(name = "merge", description = "Writes a model and its adapters as one plain model.")
final class MergeCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(
            names = "--output",
            paramLabel = "DIR",
            required = true,
            description = "Where the merged model goes; a folder that is empty or does not exist.")
    private @Nullable Path output;

    @Override
    public Integer call() throws IOException {
        OutputFolder target = OutputFolder.empty(Objects.requireNonNull(output));
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        try (LanguageModel opened = model.open()) {
            List<Adapter> adapters = opened.decoder().adapters().inUse();
            if (adapters.isEmpty()) {
                throw new CliException(
                        "There is nothing to merge: give --adapter DIR, or an adapter's directory as --model.");
            }
            out.println("Merging " + adapters.stream().map(Adapter::toString).collect(Collectors.joining(", ")) + " …");
            out.flush();
            opened.decoder().adapters().merge();
            opened.save(target.path(), opened.decoder().dtype());
        }
        target.record("merge", parents -> {
            parents.put("model", model.directory().toString());
            model.adapters()
                    .values()
                    .forEach(path -> parents.withArray("adapters").add(path.toString()));
        });
        out.println("Wrote " + target.path() + ".");
        return 0;
    }
}
