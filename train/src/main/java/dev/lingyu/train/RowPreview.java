package dev.lingyu.train;

import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The rows of a config as the model would see them, without opening the model's weights.
///
/// Makes the very rows that a run makes, and keeps them where the run will find them.
public final class RowPreview implements AutoCloseable {
    private final TrainConfig config;
    private final ChatEncoder encoder;
    private final TrainingRows rows;

    /// Neighbouring tokens that are all trained, or all only read.
    ///
    /// @param document which document of the row, from 0
    /// @param trained  whether the model learns to say them
    public record Run(int document, boolean trained, String text) {}

    private RowPreview(TrainConfig config, ChatEncoder encoder, TrainingRows rows) {
        this.config = config;
        this.encoder = encoder;
        this.rows = rows;
    }

    /// Hears how far tokenizing is.
    public interface Progress {
        /// @param examples read so far
        void tokenized(long examples);
    }

    /// Tokenizes the config's datasets, or maps what was tokenized before.
    ///
    /// @throws TrainException when config or data are wrong, or no row is left
    public static RowPreview open(TrainConfig config, Progress progress) {
        ChatEncoder encoder = ModelSource.encoder(config);
        try {
            TrainingRows rows = TrainingRows.read(config, encoder, (examples, written) -> progress.tokenized(examples));
            return new RowPreview(config, encoder, rows);
        } catch (RuntimeException e) {
            encoder.tokenizer().close();
            throw e;
        }
    }

    /// The rows, what was cut, what was said while reading.
    public TrainingRows rows() {
        return rows;
    }

    /// The longest row that is allowed [tokens].
    public int cutoff() {
        return config.data().cutoff();
    }

    /// The chat template in use.
    public String template() {
        return encoder.template().name();
    }

    /// The tokenizer in use.
    public Tokenizer tokenizer() {
        return encoder.tokenizer();
    }

    /// Labels in all rows to learn from.
    public long labels() {
        return rows.train().stream().mapToLong(TrainingRow::labelCount).sum();
    }

    /// How many rows have which length.
    ///
    /// @param bins how many lengths are told apart at most
    public List<Bin> histogram(int bins) {
        int longest = rows.longest();
        int width = Math.max(1, (longest + bins - 1) / bins);
        int[] counts = new int[(longest + width - 1) / width];
        for (int i = 0; i < rows.train().size(); i++) {
            counts[(rows.tokens(i) - 1) / width]++;
        }
        List<Bin> histogram = new ArrayList<>();
        for (int i = 0; i < counts.length; i++) {
            histogram.add(new Bin(i * width + 1, Math.min((i + 1) * width, longest), counts[i]));
        }
        return histogram;
    }

    /// Rows of `from` to `to` tokens.
    public record Bin(int from, int to, int rows) {}

    /// A row as text, in runs of tokens that are trained or only read.
    public List<Run> runs(TrainingRow row) {
        List<Run> runs = new ArrayList<>();
        List<TrainingRow> documents = row.documents();
        for (int d = 0; d < documents.size(); d++) {
            int[] ids = documents.get(d).ids();
            int[] labels = documents.get(d).labels();
            int from = 0;
            for (int i = 1; i <= ids.length; i++) {
                if (i == ids.length || trained(labels, i) != trained(labels, from)) {
                    String text = tokenizer().decode(Arrays.copyOfRange(ids, from, i), false);
                    runs.add(new Run(d, trained(labels, from), text));
                    from = i;
                }
            }
        }
        return runs;
    }

    /// The first token of a document is never predicted, whatever its label.
    private static boolean trained(int[] labels, int i) {
        return i > 0 && labels[i] != TrainingRow.IGNORE;
    }

    @Override
    public void close() {
        encoder.tokenizer().close();
    }
}
