package dev.lingyu.cli;

import dev.lingyu.data.sample.AnswerCheck;
import dev.lingyu.data.sample.SampleDomain;
import dev.lingyu.data.sample.Size;
import dev.lingyu.data.sample.Statistics;
import dev.lingyu.data.sample.TestRow;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.eval.AnswerTest;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import dev.lingyu.train.TrainConfig;
import dev.lingyu.train.Trainer;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/// The chain from raw text to a judged model on the sample store, step by step:
///
/// 1. the store's texts, questions and tests are generated;
/// 2. a tokenizer is trained on the texts;
/// 3. post-training: a small BLOOM learns the texts;
/// 4. supervised fine-tuning: it learns to answer;
/// 5. it is asked questions in words it never saw, and about products it never saw;
/// 6. a report says what came of it.
///
/// Each step leaves a folder and is passed over when that is complete, so the command can be interrupted
/// anywhere.
final class Quickstart {
    private static final int VOCABULARY = 2000;
    private static final int ANSWER_TOKENS = 64;

    private final Path directory;
    private final Size size;
    private final List<String> overrides;
    private final PrintWriter out;

    /// @param overrides settings that win over those of both recipes
    Quickstart(Path directory, Size size, List<String> overrides, PrintWriter out) {
        this.directory = directory;
        this.size = size;
        this.overrides = overrides;
        this.out = out;
    }

    /// Runs what is not done yet.
    ///
    /// @return the directory of the finished model
    Path run() throws IOException {
        Files.createDirectories(directory);
        SampleDomain domain = SampleDomain.create(size, SampleDomain.DEFAULT_SEED);
        step("1/6", "The sample store (家电商城): products, policies, dialogues, questions");
        writeDomain(domain);
        step("2/6", "A tokenizer of " + VOCABULARY + " pieces, trained on the store's texts");
        trainTokenizer(domain);
        step("3/6", "Post-training: a small BLOOM reads the store's texts");
        train("pt");
        step("4/6", "Supervised fine-tuning: it learns to answer");
        train("sft");
        step("5/6", "Questions in words it never saw, and about products it never saw");
        QuickstartReport report = evaluate(domain);
        step("6/6", "The report");
        Path page = report.write();
        report.print(out);
        out.printf("The whole report: %s%n", page.toAbsolutePath().toUri());
        return directory.resolve("sft");
    }

    private void step(String number, String what) {
        out.printf("%n[%s] %s%n", number, what);
        out.flush();
    }

    private void writeDomain(SampleDomain domain) {
        Path target = directory.resolve("domain");
        domain.write(target);
        Statistics statistics = domain.statistics();
        statistics
                .parts()
                .forEach(part -> out.printf(
                        "  %-28s %,6d rows, %,8d characters%n", part.name(), part.rows(), part.characters()));
        out.printf("  in %s%n", target);
    }

    private void trainTokenizer(SampleDomain domain) throws IOException {
        Path target = directory.resolve("tokenizer");
        if (!Files.exists(target.resolve("tokenizer.json"))) {
            BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(VOCABULARY));
            domain.corpus().forEach(trainer::add);
            domain.sft().forEach(row -> {
                trainer.add("User: " + row.instruction() + row.input() + "\n\nBot: ");
                trainer.add(row.output());
            });
            trainer.train(merges -> {}).save(target);
        }
        out.printf("  in %s%n", target);
    }

    private void train(String stage) throws IOException {
        Path file = directory.resolve("configs").resolve(stage + ".yaml");
        Files.createDirectories(file.getParent());
        if (!Files.exists(file)) {
            Files.writeString(file, recipe(stage));
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

    /// The recipe of a stage with the directory filled in, as the user can run and change it.
    private String recipe(String stage) throws IOException {
        try (InputStream in = Objects.requireNonNull(
                Quickstart.class.getResourceAsStream("quickstart/" + stage + ".yaml"), "quickstart recipe")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("${dir}", directory.toString());
        }
    }

    private QuickstartReport evaluate(SampleDomain domain) {
        AnswerTest.Outcome before = ask("pt", "before fine-tuning", domain.heldOutPhrasings());
        AnswerTest.Outcome after = ask("sft", "unseen phrasings", domain.heldOutPhrasings());
        AnswerTest.Outcome unknown = ask("sft", "unseen products", domain.heldOutFacts());
        return new QuickstartReport(directory, domain.statistics(), before, after, unknown);
    }

    private AnswerTest.Outcome ask(String stage, String what, List<TestRow> questions) {
        try (LanguageModel model = LanguageModel.open(directory.resolve(stage), LanguageModel.Options.inference());
                Engine engine = Engine.start(model, EngineOptions.defaults().withMaxRows(64));
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
