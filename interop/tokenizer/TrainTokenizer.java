import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import dev.lingyu.model.tokenizer.PreTokenizer;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.model.tokenizer.TrainedBpe;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Trains a vocabulary on the lines of a text file and writes the ids of those lines, for check_tokenizer.py.
///
///     java -cp CLASSPATH interop/tokenizer/TrainTokenizer.java CORPUS.txt DIR VOCABULARY_SIZE bloom|gpt2|qwen2
public final class TrainTokenizer {

    private TrainTokenizer() {}

    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[1]);
        List<String> lines = Files.readAllLines(Path.of(arguments[0]));
        PreTokenizer preTokenizer = PreTokenizer.valueOf(arguments[3].toUpperCase(Locale.ROOT));
        BpeSettings settings =
                BpeSettings.bloom(Integer.parseInt(arguments[2])).withPreTokenizer(preTokenizer);

        long start = System.nanoTime();
        BpeTrainer trainer = new BpeTrainer(settings);
        lines.forEach(trainer::add);
        TrainedBpe trained = trainer.train(size -> {});
        trained.save(directory);
        System.out.printf(
                "%d tokens from %d bytes in %.1f s%n",
                trained.vocabularySize(),
                Files.size(Path.of(arguments[0])),
                (System.nanoTime() - start) / 1e9);

        try (Tokenizer tokenizer = Tokenizer.open(directory);
                BufferedWriter ids = Files.newBufferedWriter(directory.resolve("ids.txt"))) {
            for (String line : lines) {
                ids.write(Arrays.toString(tokenizer.encode(line)));
                ids.newLine();
            }
        }
    }
}
