package dev.lingyu.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.train.RowCuts;
import dev.lingyu.train.RowPreview;
import dev.lingyu.train.TrainConfig;
import dev.lingyu.train.TrainingRow;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `lingyu data preview CONFIG.yaml`: the rows of a training config as the model will see them. Needs the model's
/// tokenizer, not its weights.
@Command(
        name = "preview",
        mixinStandardHelpOptions = true,
        description =
                "Shows the rows of a training config as the model will see them: text, tokens, labels, what is masked, "
                        + "lengths, what was cut or dropped.")
final class DataPreviewCommand implements Callable<Integer> {
    private static final int BINS = 10;
    private static final int WIDEST_BAR = 40;
    private static final String GREEN = "\u001b[32m";
    private static final String FAINT = "\u001b[2m";
    private static final String PLAIN = "\u001b[0m";

    @Parameters(index = "0", paramLabel = "CONFIG.yaml", description = "The run's settings.")
    private Path config = Path.of("");

    @Parameters(index = "1..*", paramLabel = "key=value", description = "Settings that win over the file's.")
    private List<String> overrides = List.of();

    @Option(names = "--rows", paramLabel = "N", description = "How many rows to show (default: ${DEFAULT-VALUE}).")
    private int count = 3;

    @Option(names = "--json", description = "Print the rows as JSON Lines: input_ids, labels, documents.")
    private boolean json;

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        TrainConfig run = TrainConfig.read(config, overrides);
        TokenizingProgress progress = new TokenizingProgress(System.err);
        try (RowPreview preview = RowPreview.open(run, progress::tokenized)) {
            int shown = Math.min(count, preview.rows().train().size());
            if (json) {
                for (int i = 0; i < shown; i++) {
                    out.println(json(preview.rows().train().get(i)));
                }
                return 0;
            }
            summary(preview, out);
            for (int i = 0; i < shown; i++) {
                row(preview, i, out);
            }
        }
        return 0;
    }

    private void summary(RowPreview preview, PrintWriter out) {
        preview.rows().notices().forEach(out::println);
        long tokens = preview.rows().trainTokens();
        long labels = preview.labels();
        int rows = preview.rows().train().size();
        out.printf(
                Locale.ROOT,
                "%,d rows to learn from, %,d to check with; %,d tokens, %,d of them trained (%.1f %%); template %s.%n",
                rows,
                preview.rows().validation().size(),
                tokens,
                labels,
                100.0 * labels / tokens,
                preview.template());
        RowCuts cuts = preview.rows().cuts();
        out.printf(
                Locale.ROOT,
                "Rows of at most %,d tokens: %s.%n",
                preview.cutoff(),
                cuts.equals(RowCuts.NONE) ? "nothing was cut or dropped" : cuts.words());
        out.println("Lengths [tokens]:");
        List<RowPreview.Bin> bins = preview.histogram(BINS);
        int most = bins.stream().mapToInt(RowPreview.Bin::rows).max().orElse(1);
        for (RowPreview.Bin bin : bins) {
            int bar = (int) Math.round((double) WIDEST_BAR * bin.rows() / most);
            out.printf(
                    Locale.ROOT,
                    "  %,7d – %,7d  %-" + WIDEST_BAR + "s %,d%n",
                    bin.from(),
                    bin.to(),
                    "#".repeat(bar),
                    bin.rows());
        }
    }

    private static void row(RowPreview preview, int number, PrintWriter out) {
        TrainingRow row = preview.rows().train().get(number);
        int documents = row.lengths().length;
        out.printf(
                Locale.ROOT,
                "%nRow %,d: %,d tokens, %,d trained%s. Lines marked > are trained, lines marked . only read.%n",
                number + 1,
                row.ids().length,
                row.labelCount(),
                documents == 1 ? "" : ", " + documents + " documents that do not see each other");
        boolean colour = Terminal.showsOutput();
        int document = 0;
        for (RowPreview.Run run : preview.runs(row)) {
            if (run.document() != document) {
                document = run.document();
                out.println("  ---");
            }
            String mark = run.trained() ? "  > " : "  . ";
            // A line break is shown where it stands, and breaks the line too.
            for (String line : run.text().split("(?<=\n)")) {
                String shown = mark + line.replace("\r", "␍").replace("\n", "⏎");
                out.println(colour ? (run.trained() ? GREEN : FAINT) + shown + PLAIN : shown);
            }
        }
        out.println("  ids:    " + join(row.ids()));
        out.println("  labels: " + join(row.labels()));
    }

    private static String join(int[] numbers) {
        return Arrays.stream(numbers)
                .mapToObj(n -> n == TrainingRow.IGNORE ? "·" : Integer.toString(n))
                .collect(Collectors.joining(" "));
    }

    private static String json(TrainingRow row) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode node = mapper.createObjectNode();
        node.set("input_ids", mapper.valueToTree(row.ids()));
        node.set("labels", mapper.valueToTree(row.labels()));
        node.set("documents", mapper.valueToTree(row.lengths()));
        return mapper.writeValueAsString(node);
    }
}
