package dev.lingyu.cli;

import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import dev.lingyu.model.tokenizer.TrainedBpe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu tokenizer train`: learns a byte-level BPE vocabulary from texts.
@Command(name = "train", description = "Learns a byte-level BPE vocabulary from texts.")
final class TokenizerTrainCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--corpus",
            paramLabel = "F",
            arity = "1..*",
            required = true,
            description = "Plain text, JSON or JSON Lines in any of the dataset layouts, or folders of them.")
    private List<Path> corpus = List.of();

    @Option(names = "--size", paramLabel = "N", required = true, description = "Tokens to end with.")
    private int size;

    @Option(
            names = "--layout",
            paramLabel = "NAME",
            defaultValue = "bloom",
            description =
                    "bloom (cuts Chinese at punctuation only; <s>, </s>) or qwen2 (cuts at every change of kind of "
                            + "character; chat markers); default: ${DEFAULT-VALUE}.")
    private String layout = "bloom";

    @Option(
            names = "--special",
            paramLabel = "TOKEN",
            description = "A further special token; may be given several times.")
    private List<String> special = List.of();

    @Option(
            names = "--min-frequency",
            paramLabel = "N",
            defaultValue = "2",
            description = "A pair that occurs less often is not merged (default: ${DEFAULT-VALUE}).")
    private long minimumFrequency;

    @Option(names = "--output", paramLabel = "DIR", required = true, description = "Where the tokenizer's files go.")
    private @Nullable Path output;

    @Override
    public Integer call() {
        Path target = Objects.requireNonNull(output);
        if (Files.exists(target.resolve("config.json"))) {
            throw new CliException("--output " + target
                    + " holds a model, whose tokenizer would be replaced; name another directory.");
        }
        BpeSettings settings = switch (layout) {
            case "bloom" -> BpeSettings.bloom(size);
            case "qwen2" -> BpeSettings.qwen2(size);
            default -> throw new CliException("--layout is " + layout + "; expected bloom or qwen2.");
        };
        BpeTrainer trainer =
                new BpeTrainer(settings.withMoreSpecialTokens(special).withMinimumFrequency(minimumFrequency));
        long texts = CorpusTexts.read(corpus, trainer::add);
        TrainedBpe trained;
        try (Progress progress = Progress.start("tokenizer", "tokens", size)) {
            trained = trainer.train(progress::advanceTo);
        }
        trained.save(target);
        Objects.requireNonNull(spec)
                .commandLine()
                .getOut()
                .printf("Learned %,d tokens from %,d texts; wrote %s.%n", trained.vocabularySize(), texts, target);
        return 0;
    }
}
