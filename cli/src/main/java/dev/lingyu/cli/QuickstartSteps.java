package dev.lingyu.cli;

import dev.lingyu.data.sample.AnswerCheck;
import dev.lingyu.data.sample.SampleDomain;
import dev.lingyu.data.sample.TestRow;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.eval.AnswerTest;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.train.TrainConfig;
import dev.lingyu.train.Trainer;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// What every quickstart does, wherever its model comes from: the store's files, a stage of training by the
/// recipe in `configs/`, questions to a model.
final class QuickstartSteps {
    private static final int ANSWER_TOKENS = 64;
    private static final int ROWS_AT_ONCE = 64;

    private final Path directory;
    private final List<String> overrides;
    private final PrintWriter out;

    /// @param overrides settings that win over those of all recipes
    QuickstartSteps(Path directory, List<String> overrides, PrintWriter out) {
        this.directory = directory;
        this.overrides = overrides;
        this.out = out;
    }

    void announce(String number, String what) {
        out.printf("%n[%s] %s%n", number, what);
        out.flush();
    }

    void writeDomain(SampleDomain domain) {
        Path target = directory.resolve("domain");
        domain.write(target);
        domain.statistics()
                .parts()
                .forEach(part -> out.printf(
                        "  %-28s %,6d rows, %,8d characters%n", part.name(), part.rows(), part.characters()));
        out.printf("  in %s%n", target);
    }

    /// Refuses a directory whose quickstart began with another model: its recipes would win silently.
    ///
    /// @param base the directory of the model to begin with; empty for fresh weights
    void checkOrigin(Optional<Path> base) {
        Path recipe = directory.resolve("configs").resolve("pt.yaml");
        if (!Files.exists(recipe)) {
            return;
        }
        Optional<Path> then = TrainConfig.read(recipe, overrides).model().path();
        if (!then.map(QuickstartSteps::plain).equals(base.map(QuickstartSteps::plain))) {
            throw new CliException("%s holds a quickstart %s, not %s: give this one a folder of its own with --dir."
                    .formatted(
                            directory,
                            then.map(path -> "on " + path).orElse("from fresh weights"),
                            base.map(path -> "on " + path).orElse("from fresh weights")));
        }
    }

    private static Path plain(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /// Runs a stage, unless it is finished; what was begun goes on.
    ///
    /// @param stage  `pt` or `sft`: the output's folder, and the recipe's name in `configs/`
    /// @param recipe the resource that the recipe is made from, once
    /// @param values what replaces `${name}` in it, beside `${dir}`
    void train(String stage, String recipe, Map<String, String> values) throws IOException {
        Path file = directory.resolve("configs").resolve(stage + ".yaml");
        Files.createDirectories(file.getParent());
        if (!Files.exists(file)) {
            Files.writeString(file, filledIn(recipe, values));
        }
        TrainConfig config = TrainConfig.read(file, overrides);
        if (Trainer.isFinished(config.output().directory())) {
            out.printf("  done before: %s%n", config.output().directory());
            return;
        }
        out.printf("  ./lingyu train %s%n", file);
        Trainer.Result result = StoppableRun.run(config, new TrainingProgress(stage, out));
        if (!result.finished()) {
            throw new CommandFailedException("Stopped; the same command goes on from step " + result.steps() + ".");
        }
        out.printf(
                "  %.0f s, %,.0f tokens/s, in %s%n",
                result.seconds(), result.tokensPerSecond(), config.output().directory());
    }

    /// A recipe with the directory filled in, as the user can run and change it.
    private String filledIn(String recipe, Map<String, String> values) throws IOException {
        try (InputStream in = Objects.requireNonNull(
                QuickstartSteps.class.getResourceAsStream("quickstart/" + recipe + ".yaml"), "quickstart recipe")) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("${dir}", directory.toString());
            for (Map.Entry<String, String> value : values.entrySet()) {
                text = text.replace("${" + value.getKey() + "}", value.getValue());
            }
            return text;
        }
    }

    /// Opens a model and asks it.
    ///
    /// @param what names the questions while they are asked
    AnswerTest.Outcome ask(Path model, String what, List<TestRow> questions) {
        try (LanguageModel opened = LanguageModel.open(model, LanguageModel.Options.inference())) {
            return ask(opened, what, questions);
        }
    }

    AnswerTest.Outcome ask(LanguageModel model, String what, List<TestRow> questions) {
        try (Engine engine = Engine.start(model, EngineOptions.defaults().withMaxRows(ROWS_AT_ONCE));
                Progress progress = Progress.start(what, "questions", questions.size())) {
            return AnswerTest.run(
                    engine,
                    questions,
                    TestRow::question,
                    TestRow::answer,
                    AnswerCheck::right,
                    ANSWER_TOKENS,
                    progress::advanceTo);
        }
    }
}
