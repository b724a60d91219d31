package dev.lingyu.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.cli.rows.JsonRow;
import dev.lingyu.cli.rows.PromptReader;
import dev.lingyu.engine.Scorer;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.Position;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu score`: how probable a model finds given rows.
///
/// `{"input_ids":[…]}` or `{"text":"…"}` becomes `{"token_logprobs":[null,…],"logprob":s,"tokens":n}`: the natural
/// logarithm of each token's probability after those before it, null for the first, which nothing predicts; their
/// sum; the number of tokens, the first included.
@Command(
        name = "score",
        description = "Log-probabilities of given rows, {\"input_ids\":[…]} or {\"text\":\"…\"}, and their perplexity.")
final class ScoreCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int ROWS_AT_ONCE = 16;

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--input", paramLabel = "F.jsonl", required = true, description = "The rows to score.")
    private @Nullable Path input;

    @Option(names = "--output", paramLabel = "F.jsonl", required = true, description = "Where the scores go.")
    private @Nullable Path output;

    @Override
    public Integer call() throws IOException {
        Path source = Objects.requireNonNull(input);
        Path target = Objects.requireNonNull(output);
        OutputRows.check(source, target);
        List<JsonRow> rows = JsonRow.readAll(source);
        try (LanguageModel opened = model.open()) {
            // Rope and ALiBi go on behind the positions of the training; whoever scores there wants to know how well.
            int longest = opened.decoder().config().position() instanceof Position.Learned learned
                    ? learned.positions()
                    : Integer.MAX_VALUE;
            PromptReader reader = new PromptReader(opened, PromptReader.TEXTS, longest);
            List<int[]> ids = rows.stream().map(reader::ids).toList();
            report(score(opened, ids, target), target);
        }
        return 0;
    }

    private static List<Scorer.Score> score(LanguageModel model, List<int[]> ids, Path target) throws IOException {
        Scorer scorer = new Scorer(model.decoder());
        List<Scorer.Score> all = new ArrayList<>();
        long tokens = ids.stream().mapToLong(row -> row.length).sum();
        try (OutputRows out = OutputRows.create(target);
                Progress progress = Progress.start("score", "tokens", tokens)) {
            for (int at = 0; at < ids.size(); at += ROWS_AT_ONCE) {
                for (Scorer.Score score : scorer.score(ids.subList(at, Math.min(ids.size(), at + ROWS_AT_ONCE)))) {
                    if (!Double.isFinite(score.logprob())) {
                        throw new CommandFailedException("Row " + (all.size() + 1)
                                + " has a log-probability that is no number: these weights overflow in this type; try "
                                + "--dtype f32.");
                    }
                    out.write(json(score));
                    progress.advance(score.tokens());
                    // The log-probabilities are written; for the perplexity their sum is enough.
                    all.add(new Scorer.Score(new float[0], score.logprob(), score.tokens()));
                }
            }
            out.commit();
        }
        return all;
    }

    private static ObjectNode json(Scorer.Score score) {
        ObjectNode row = JSON.createObjectNode();
        ArrayNode logprobs = row.putArray("token_logprobs");
        logprobs.addNull();
        for (int i = 1; i < score.tokens(); i++) {
            logprobs.add(score.tokenLogprobs()[i]);
        }
        return row.put("logprob", score.logprob()).put("tokens", score.tokens());
    }

    private void report(List<Scorer.Score> scores, Path target) {
        long predicted = scores.stream().mapToLong(s -> s.tokens() - 1).sum();
        String rows = scores.size() == 1 ? "1 row" : scores.size() + " rows";
        String words = predicted == 0
                ? rows + " of one token each: nothing is predicted, so there is no perplexity."
                : String.format(
                        Locale.ROOT,
                        "perplexity %.4f = exp(mean negative log-likelihood %.6f) over %d predicted tokens of %s; "
                                + "the first token of a row is not predicted.",
                        Scorer.perplexity(scores),
                        Math.log(Scorer.perplexity(scores)),
                        predicted,
                        rows);
        Objects.requireNonNull(spec).commandLine().getOut().println(words);
        Objects.requireNonNull(spec).commandLine().getOut().println("Wrote " + target + ".");
    }
}
