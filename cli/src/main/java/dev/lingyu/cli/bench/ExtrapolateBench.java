package dev.lingyu.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.data.sample.SampleDomain;
import dev.lingyu.data.sample.Size;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Position;
import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `lingyu bench extrapolate`: what ALiBi promises and RoPE does not.
@Command(
        name = "extrapolate",
        mixinStandardHelpOptions = true,
        description =
                "Perplexity at 1, 2 and 4 times the trained length: ALiBi beside RoPE and scaled RoPE. Trains two "
                        + "small models that differ in their positions alone (minutes), or takes --model.")
final class ExtrapolateBench implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int VOCABULARY = 2000;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "A model to read with instead of training; one with RoPE is read with scaled RoPE, too.")
    private @Nullable Path model;

    @Option(
            names = "--corpus",
            paramLabel = "F.txt",
            description =
                    "A plain text in UTF-8; its last tenth is read, the rest learned (default: the sample domain).")
    private @Nullable Path corpus;

    @Option(
            names = "--length",
            paramLabel = "N",
            description = "The trained length [tokens] (default: 64; of --model, what its config.json promises).")
    private @Nullable Integer length;

    @Option(names = "--steps", defaultValue = "400", description = "Updates of a training (default: 400).")
    private int steps = 400;

    @Option(names = "--batch", defaultValue = "16", description = "Rows of an update (default: 16).")
    private int batch = 16;

    @Option(names = "--hidden", defaultValue = "128", description = "Hidden size, a multiple of 32 (default: 128).")
    private int hidden = 128;

    @Option(names = "--layers", defaultValue = "3", description = "Blocks (default: 3).")
    private int layers = 3;

    @Option(names = "--windows", defaultValue = "16", description = "Texts of 4 lengths to read (default: 16).")
    private int windows = 16;

    @Option(names = "--seed", defaultValue = "1", description = "Of the weights and the order of rows (default: 1).")
    private long seed = 1;

    @Mixin
    private final BenchOutput output = new BenchOutput();

    @Override
    public Integer call() throws IOException {
        if (hidden % 32 != 0 || hidden < 32 || steps < 1 || batch < 1 || layers < 1 || windows < 1) {
            throw new BenchException(
                    "--hidden is a multiple of 32, and --steps, --batch, --layers and --windows are whole "
                            + "numbers from 1; found " + hidden + ", " + steps + ", " + batch + ", " + layers + ", "
                            + windows
                            + ".");
        }
        Path work = Files.createTempDirectory("lingyu-extrapolate");
        try {
            ObjectNode figures = JSON.createObjectNode();
            List<Extrapolation.Row> rows = model == null ? trained(work, figures) : given(model, figures);
            tell(rows, figures);
        } finally {
            delete(work);
        }
        return 0;
    }

    private List<Extrapolation.Row> trained(Path work, ObjectNode figures) throws IOException {
        int trainedLength = length == null ? 64 : length;
        List<String> texts = texts();
        Path vocabulary = work.resolve("tokenizer");
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(VOCABULARY));
        texts.forEach(trainer::add);
        trainer.train(size -> {}).save(vocabulary);
        int[] tokens;
        int size;
        try (Tokenizer tokenizer = Tokenizer.open(vocabulary)) {
            tokens = tokenizer.encode(String.join("\n", texts));
            size = tokenizer.vocabularySize();
        }
        int[] held = held(tokens, trainedLength);
        int[] learned = Arrays.copyOf(tokens, tokens.length - held.length);
        Extrapolation.Training training = new Extrapolation.Training(
                (size + 63) / 64 * 64, hidden, layers, hidden / 32, trainedLength, batch, steps, seed);
        figures.put("trained_length", trainedLength)
                .put("training_tokens", (long) steps * batch * trainedLength)
                .put("text_tokens", learned.length)
                .put("read_tokens", held.length)
                .put("hidden", hidden)
                .put("layers", layers)
                .put("seed", seed);
        List<Extrapolation.Row> rows = new ArrayList<>();
        train("ALiBi", new Position.Alibi(), training, learned, held, work.resolve("alibi"), rows);
        train("RoPE", training.rope(), training, learned, held, work.resolve("rope"), rows);
        return rows;
    }

    private void train(
            String name,
            Position position,
            Extrapolation.Training training,
            int[] learned,
            int[] held,
            Path target,
            List<Extrapolation.Row> rows)
            throws IOException {
        Files.createDirectories(target);
        ModelConfig config = training.shape(position);
        long begun = System.nanoTime();
        double loss = Extrapolation.train(
                config, training, learned, target, output.progress(name, "steps", training.steps()));
        output.line(String.format(
                Locale.ROOT,
                "%s: %d steps of %d × %d tokens in %.0f s, loss %.3f",
                name,
                training.steps(),
                training.batch(),
                training.length(),
                (System.nanoTime() - begun) / 1e9,
                loss));
        read(name, target, config, position, training.length(), held, rows);
    }

    private static void read(
            String name,
            Path weights,
            ModelConfig config,
            Position position,
            int trainedLength,
            int[] held,
            List<Extrapolation.Row> rows) {
        if (position instanceof Position.Rope rope) {
            for (Map.Entry<String, Position> kind :
                    Extrapolation.scalings(rope, trainedLength).entrySet()) {
                rows.add(Extrapolation.measure(kind.getKey(), weights, config, kind.getValue(), trainedLength, held));
            }
        } else {
            rows.add(Extrapolation.measure(name, weights, config, position, trainedLength, held));
        }
    }

    private List<Extrapolation.Row> given(Path directory, ObjectNode figures) throws IOException {
        ModelConfig config = ModelConfig.read(directory);
        int trainedLength = length == null ? config.decoder().maxPositions() : length;
        int[] tokens;
        try (LanguageModel opened = LanguageModel.open(directory, LanguageModel.Options.inference())) {
            tokens = opened.requireTokenizer().encode(String.join("\n", texts()));
        }
        int[] held = held(tokens, trainedLength);
        figures.put("model", directory.toString())
                .put("trained_length", trainedLength)
                .put("read_tokens", held.length);
        String name = switch (config.decoder().position()) {
            case Position.Alibi alibi -> "ALiBi";
            case Position.Learned learned -> "learned positions";
            case Position.Rope rope -> "RoPE";
        };
        List<Extrapolation.Row> rows = new ArrayList<>();
        read(name, directory, config, config.decoder().position(), trainedLength, held, rows);
        return rows;
    }

    private List<String> texts() throws IOException {
        if (corpus == null) {
            return SampleDomain.create(Size.FULL, SampleDomain.DEFAULT_SEED).corpus();
        }
        if (!Files.isRegularFile(corpus)) {
            throw new BenchException("--corpus " + corpus + " is no file.");
        }
        return Files.readAllLines(corpus);
    }

    /// The end of the text, a tenth at most, in whole windows.
    private int[] held(int[] tokens, int trainedLength) {
        int longest = trainedLength * Extrapolation.FACTORS.getLast();
        int count = Math.min(windows, tokens.length / 10 / longest);
        if (count == 0) {
            throw new BenchException(
                    "The corpus has " + tokens.length + " tokens; a tenth of it is less than one text of " + longest
                            + " tokens, 4 × --length: give a longer one, or a smaller --length.");
        }
        return Arrays.copyOfRange(tokens, tokens.length - count * longest, tokens.length);
    }

    private void tell(List<Extrapolation.Row> rows, ObjectNode figures) {
        output.line(String.format("%-20s %10s %10s %10s", "perplexity at", "1 ×", "2 ×", "4 ×"));
        ArrayNode list = figures.putArray("positions");
        for (Extrapolation.Row row : rows) {
            StringBuilder line = new StringBuilder(String.format("%-20s", row.positions()));
            ObjectNode node = list.addObject().put("positions", row.positions());
            ObjectNode perplexity = node.putObject("perplexity");
            row.byFactor().forEach((factor, value) -> {
                line.append(value.isNaN() ? String.format(" %10s", "–") : String.format(Locale.ROOT, " %10.2f", value));
                if (value.isNaN()) {
                    perplexity.putNull(factor + "x");
                } else {
                    perplexity.put(factor + "x", value);
                }
            });
            output.line(line.toString());
        }
        output.figures(figures);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }
}
