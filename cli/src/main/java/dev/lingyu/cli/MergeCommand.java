package dev.lingyu.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.Adapter;
import dev.lingyu.model.LanguageModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
    private static final ObjectMapper JSON = new ObjectMapper();

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
        Path target = Objects.requireNonNull(output);
        if (Files.isDirectory(target)) {
            try (Stream<Path> entries = Files.list(target)) {
                if (entries.findAny().isPresent()) {
                    throw new DirectoryNotEmptyException(target.toString());
                }
            }
        }
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
            opened.save(target, opened.decoder().dtype());
        }
        Files.write(
                target.resolve("run.json"),
                JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(record()));
        out.println("Wrote " + target + ".");
        return 0;
    }

    private ObjectNode record() {
        ObjectNode record = JSON.createObjectNode();
        record.put("kind", "merge");
        record.put("status", "finished");
        record.put("written", Instant.now().toString());
        ObjectNode parents = record.putObject("parents");
        parents.put("model", model.directory().toString());
        model.adapters().values().forEach(path -> parents.withArray("adapters").add(path.toString()));
        return record;
    }
}
