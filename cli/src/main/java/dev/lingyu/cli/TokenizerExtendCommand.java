package dev.lingyu.cli;

import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.tokenizer.BpeExtender;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu tokenizer extend`: teaches a model's tokenizer the words of a domain, and gives the model rows for
/// them.
@Command(
        name = "extend",
        description = "Adds a domain's frequent words to a model's tokenizer and rows to its embedding.")
final class TokenizerExtendCommand implements Callable<Integer> {
    private static final int SHOWN = 12;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            required = true,
            description = "A Hugging Face model directory, or one that holds a tokenizer only.")
    private @Nullable Path directory;

    @Option(
            names = "--corpus",
            paramLabel = "F",
            arity = "1..*",
            required = true,
            description = "Texts of the domain: plain text, JSON or JSON Lines in any of the dataset layouts.")
    private List<Path> corpus = List.of();

    @Option(names = "--size", paramLabel = "N", required = true, description = "Tokens to add at most.")
    private int size;

    @Option(
            names = "--min-frequency",
            paramLabel = "N",
            defaultValue = "5",
            description = "What occurs less often becomes no token (default: ${DEFAULT-VALUE}).")
    private long minimumFrequency;

    @Option(
            names = "--multiple-of",
            paramLabel = "N",
            defaultValue = "8",
            description = "The embedding's rows become a multiple of it (default: ${DEFAULT-VALUE}).")
    private int multiple;

    @Option(names = "--output", paramLabel = "DIR", required = true, description = "Where the larger model goes.")
    private @Nullable Path output;

    @Override
    public Integer call() throws IOException {
        Path source = Objects.requireNonNull(directory);
        Path target = Objects.requireNonNull(output);
        if (size < 1 || multiple < 1 || minimumFrequency < 1) {
            throw new CliException("--size, --multiple-of and --min-frequency are whole numbers from 1; found " + size
                    + ", " + multiple + " and " + minimumFrequency + ".");
        }
        if (Files.exists(target) && Files.isSameFile(source, target)) {
            throw new CliException("--output is the model itself, which would be overwritten; name another directory.");
        }
        BpeExtender.Extension extension;
        try (BpeExtender extender = BpeExtender.open(source)) {
            CorpusTexts.read(corpus, extender::add);
            extension = extender.extend(size, minimumFrequency);
        }
        if (extension.parts().isEmpty()) {
            throw new CliException("No pair of tokens occurs " + minimumFrequency
                    + " times in the corpus: give more texts, or a lower --min-frequency.");
        }
        extension.tokenizer().save(target);
        if (Files.exists(source.resolve("config.json"))) {
            enlarge(source, target, extension);
        }
        report(extension, target);
        return 0;
    }

    private void enlarge(Path source, Path target, BpeExtender.Extension extension) throws IOException {
        LanguageModel model = LanguageModel.open(source, LanguageModel.Options.inference());
        IntFunction<int[]> parts = id -> extension.parts().getOrDefault(id, new int[0]);
        try (LanguageModel larger = model.withTokenizer(Tokenizer.open(target), multiple, parts)) {
            larger.save(target, larger.decoder().dtype());
            PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
            out.printf(
                    "The embedding has %,d rows; a new word's row is the mean of those of its former pieces.%n",
                    larger.decoder().config().vocabularySize());
        }
    }

    private void report(BpeExtender.Extension extension, Path target) {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        List<String> words = extension.words();
        out.printf(
                "Added %,d tokens: %s%s%n",
                extension.parts().size(),
                String.join(", ", words.stream().limit(SHOWN).map(String::strip).toList()),
                words.size() > SHOWN ? " …" : "");
        out.printf(
                Locale.ROOT,
                "Tokens per character of the corpus: %.4f before, %.4f now (%,d tokens became %,d).%n",
                (double) extension.before() / extension.characters(),
                (double) extension.after() / extension.characters(),
                extension.before(),
                extension.after());
        out.println("Wrote " + target + ". Train the new rows before you rely on them.");
    }
}
