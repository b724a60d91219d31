package dev.lingyu.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.ChatEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/// All rows of a run, tokenized: those to learn from and those to check with. Rows lie in a mapped file and take
/// heap only while they are looked at.
///
/// @param train      in the order of the files, or of the draw where datasets are interleaved
/// @param validation held out, or from `eval_dataset`
/// @param digest     SHA-256 over all ids and labels: a resumed run must see the same
/// @param cuts       what did not fit or gave nothing to learn
/// @param notices    what was said while reading: how files were understood, which rows were left out
public record TrainingRows(
        List<TrainingRow> train, List<TrainingRow> validation, String digest, RowCuts cuts, List<String> notices) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Reads and tokenizes the datasets of a config, or maps what an earlier run tokenized.
    ///
    /// @throws TrainException when no row is left
    static TrainingRows read(TrainConfig config, ChatEncoder encoder, RowPipeline.Progress progress) {
        List<String> notices = new ArrayList<>();
        RowCache cache = new RowCache(config, encoder);
        RowFile file = cache.rows(config.data().datasets(), notices, progress);
        RowCuts cuts = take(file, notices);
        if (file.size() == 0) {
            throw TrainException.input("No row is left to train on: " + cuts.dropped()
                    + " rows had no answer to learn, or cutoff_len ("
                    + config.data().cutoff() + ") leaves no room for a question and its answer.");
        }
        List<TrainingRow> train = file.list();
        List<TrainingRow> validation = List.of();
        if (!config.data().evaluation().isEmpty()) {
            RowFile held = cache.rows(config.data().evaluation(), notices, progress);
            cuts = cuts.plus(take(held, notices));
            validation = held.list();
        } else if (config.data().valSize() > 0) {
            int count = held(config, file.size());
            int[] order = IntStream.range(0, file.size()).toArray();
            BatchOrder.shuffle(order, new Random(config.steps().seed()));
            validation = file.list(Arrays.copyOf(order, count));
            train = file.list(Arrays.copyOfRange(order, count, order.length));
        }
        String split = file.facts().path("rows_sha256").asText() + " " + validation.size() + " "
                + (config.data().valSize() > 0 ? config.steps().seed() : 0);
        String digest = HexFormat.of().formatHex(Digests.sha256().digest(split.getBytes(StandardCharsets.UTF_8)));
        return new TrainingRows(train, validation, digest, cuts, List.copyOf(notices));
    }

    private static int held(TrainConfig config, int rows) {
        double size = config.data().valSize();
        int count = (int) (size < 1 ? Math.ceil(size * rows) : size);
        if (count >= rows) {
            throw TrainException.input(
                    "val_size: " + count + " of " + rows + " rows leaves nothing to train on. Make it smaller.");
        }
        return count;
    }

    private static RowCuts take(RowFile file, List<String> notices) {
        for (JsonNode notice : file.facts().path("notices")) {
            notices.add(notice.asText());
        }
        return JSON.convertValue(file.facts().path("cuts"), RowCuts.class);
    }

    /// Tokens of one epoch.
    public long trainTokens() {
        return IntStream.range(0, train.size()).mapToLong(this::tokens).sum();
    }

    /// The longest row to learn from [tokens].
    public int longest() {
        return IntStream.range(0, train.size()).map(this::tokens).max().orElse(0);
    }

    /// The tokens of a row to learn from, without reading it.
    int tokens(int row) {
        return train instanceof RowFile.Rows mapped
                ? mapped.tokens(row)
                : train.get(row).ids().length;
    }
}
