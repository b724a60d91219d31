package dev.lingyu.train;

import dev.lingyu.dataset.BadRows;
import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.DatasetSpec;
import dev.lingyu.dataset.Datasets;
import dev.lingyu.dataset.ExampleStream;
import dev.lingyu.dataset.TextExample;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.LanguageModel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/// All rows of a run, tokenized: those to learn from and those to check with.
///
/// @param train      in the order of the files
/// @param validation held out, or from `eval_dataset`
/// @param digest     SHA-256 over all ids and labels: a resumed run must see the same
/// @param dropped    conversations without anything to learn
/// @param truncated  times that something was cut off
/// @param notices    what was said while reading: how files were understood, which rows were left out
public record TrainingRows(
        List<TrainingRow> train,
        List<TrainingRow> validation,
        String digest,
        long dropped,
        long truncated,
        List<String> notices) {

    /// Reads and tokenizes the datasets of a config.
    ///
    /// @throws TrainException when no row is left
    public static TrainingRows read(TrainConfig config, LanguageModel model) {
        List<String> notices = new ArrayList<>();
        RowBuilder builder =
                new RowBuilder(model.requireTokenizer(), config.data().cutoff());
        List<TrainingRow> rows = read(config, config.data().datasets(), model, builder, notices);
        List<TrainingRow> validation = List.of();
        if (!config.data().evaluation().isEmpty()) {
            validation = read(config, config.data().evaluation(), model, builder, notices);
        } else if (config.data().valSize() > 0) {
            int count = (int)
                    (config.data().valSize() < 1
                            ? Math.ceil(config.data().valSize() * rows.size())
                            : config.data().valSize());
            if (count >= rows.size()) {
                throw TrainException.input("val_size: " + count + " of " + rows.size()
                        + " rows leaves nothing to train on. Make it smaller.");
            }
            List<TrainingRow> shuffled = new ArrayList<>(rows);
            Collections.shuffle(shuffled, new Random(config.steps().seed()));
            validation = List.copyOf(shuffled.subList(0, count));
            rows = List.copyOf(shuffled.subList(count, shuffled.size()));
        }
        if (rows.isEmpty()) {
            throw TrainException.input("No row is left to train on: " + builder.dropped()
                    + " conversations had no answer to learn (see cutoff_len).");
        }
        return new TrainingRows(rows, validation, digest(rows), builder.dropped(), builder.truncated(), notices);
    }

    private static List<TrainingRow> read(
            TrainConfig config, List<String> datasets, LanguageModel model, RowBuilder builder, List<String> notices) {
        DatasetSpec spec = DatasetSpec.of(datasets).withFolder(config.data().folder());
        if (config.data().maxSamples().isPresent()) {
            spec = spec.withMaxSamples(config.data().maxSamples().get());
        }
        if (config.data().skipBadRows()) {
            spec = spec.withBadRows(BadRows.SKIP).withQuarantine(config.output().directory());
        }
        List<TrainingRow> rows = new ArrayList<>();
        switch (config.stage()) {
            case PT -> {
                try (ExampleStream<TextExample> texts = Datasets.open(spec, TextExample.class)) {
                    texts.forEachRemaining(
                            row -> rows.addAll(builder.addText(row.example().text())));
                }
                builder.finishTexts().ifPresent(rows::add);
            }
            case SFT -> {
                ChatEncoder encoder = model.chatEncoder();
                try (ExampleStream<Conversation> talks = Datasets.open(spec, Conversation.class)) {
                    talks.forEachRemaining(
                            row -> builder.conversation(row.example(), encoder).ifPresent(rows::add));
                    talks.reports().forEach(report -> notices.add(report.sentence()));
                }
            }
        }
        return rows;
    }

    private static String digest(List<TrainingRow> rows) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update("rows 1".getBytes(StandardCharsets.UTF_8));
            for (TrainingRow row : rows) {
                ByteBuffer bytes = ByteBuffer.allocate(4 + 8 * row.ids().length);
                bytes.putInt(row.ids().length);
                for (int i = 0; i < row.ids().length; i++) {
                    bytes.putInt(row.ids()[i]).putInt(row.labels()[i]);
                }
                sha.update(bytes.array());
            }
            return HexFormat.of().formatHex(sha.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Tokens of one epoch.
    public long trainTokens() {
        return train.stream().mapToLong(r -> r.ids().length).sum();
    }
}
