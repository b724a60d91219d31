package dev.lingyu.cli.inspect;

import dev.lingyu.dataset.BadRows;
import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.DatasetInfo;
import dev.lingyu.dataset.DatasetSpec;
import dev.lingyu.dataset.Datasets;
import dev.lingyu.dataset.Example;
import dev.lingyu.dataset.ExampleStream;
import dev.lingyu.dataset.LabelledExample;
import dev.lingyu.dataset.PreferencePair;
import dev.lingyu.dataset.PromptExample;
import dev.lingyu.dataset.ReadReport;
import dev.lingyu.dataset.Row;
import dev.lingyu.dataset.TextExample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Collectors;

/// A dataset: a file, an archive or a folder, or the folder of a `dataset_info.json`. All rows are read, so that the
/// counts are true.
final class DatasetFacts {
    private DatasetFacts() {}

    static Facts of(Path path) {
        Facts facts = new Facts();
        Optional<DatasetInfo> info = Files.isDirectory(path) ? DatasetInfo.in(path) : Optional.empty();
        if (info.isPresent()) {
            facts.add("kind", "folder of datasets (" + DatasetInfo.FILE + ")");
            facts.add("datasets", info.get().names().size() + "");
            info.get().names().forEach(facts::more);
            return facts;
        }
        facts.add("kind", "dataset");
        try (ExampleStream<Example> rows =
                Datasets.open(DatasetSpec.of(path.toAbsolutePath()).withBadRows(BadRows.SKIP))) {
            Optional<Row<Example>> first = rows.hasNext() ? Optional.of(rows.next()) : Optional.empty();
            while (rows.hasNext()) {
                rows.next();
            }
            first.ifPresent(
                    row -> facts.add("layout", Example.nameOf(row.example().getClass())));
            ReadReport report = rows.reports().getFirst();
            facts.add("rows", Facts.count(report.rows()));
            facts.add("examples", Facts.count(report.examples()));
            if (!report.left().isEmpty()) {
                facts.add("left out", report.skipped() + " bad, " + report.unusable() + " unusable; the first:");
                facts.more(report.left().getFirst().source() + ": "
                        + report.left().getFirst().reason());
            }
            report.notices().forEach(notice -> facts.add("notice", notice));
            first.ifPresent(row -> sample(row.example(), facts));
        }
        return facts;
    }

    private static void sample(Example example, Facts facts) {
        switch (example) {
            case TextExample text -> facts.add("sample", Facts.oneLine(text.text()));
            case Conversation conversation -> conversation("sample", conversation, facts);
            case PromptExample prompt -> conversation("sample", prompt.prompt(), facts);
            case LabelledExample labelled -> conversation("sample", labelled.conversation(), facts);
            case PreferencePair pair -> {
                conversation("sample", pair.prompt(), facts);
                facts.more("chosen: " + Facts.oneLine(pair.chosen().content()));
                facts.more("rejected: " + Facts.oneLine(pair.rejected().content()));
            }
        }
    }

    private static void conversation(String label, Conversation conversation, Facts facts) {
        String turns = conversation.messages().stream()
                .map(turn -> turn.role().name().toLowerCase(java.util.Locale.ROOT) + ": " + turn.content())
                .collect(Collectors.joining("\n"));
        String whole =
                conversation.system().map(system -> "system: " + system + "\n").orElse("") + turns;
        boolean labelled = true;
        for (String line : whole.split("\n", -1)) {
            facts.add(labelled ? label : "", Facts.oneLine(line));
            labelled = false;
        }
    }
}
