package dev.lingyu.cli;

import dev.lingyu.data.sample.SampleDomain;
import dev.lingyu.data.sample.Size;
import dev.lingyu.eval.AnswerTest;
import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

    private final Path directory;
    private final Size size;
    private final QuickstartSteps steps;
    private final PrintWriter out;

    /// @param overrides settings that win over those of both recipes
    Quickstart(Path directory, Size size, List<String> overrides, PrintWriter out) {
        this.directory = directory;
        this.size = size;
        this.steps = new QuickstartSteps(directory, overrides, out);
        this.out = out;
    }

    /// Runs what is not done yet.
    ///
    /// @return the directory of the finished model
    Path run() throws IOException {
        steps.checkOrigin(Optional.empty());
        Files.createDirectories(directory);
        SampleDomain domain = SampleDomain.create(size, SampleDomain.DEFAULT_SEED);
        steps.announce("1/6", "The sample store (家电商城): products, policies, dialogues, questions");
        steps.writeDomain(domain);
        steps.announce("2/6", "A tokenizer of " + VOCABULARY + " pieces, trained on the store's texts");
        trainTokenizer(domain);
        steps.announce("3/6", "Post-training: a small BLOOM reads the store's texts");
        steps.train("pt", "pt", Map.of());
        steps.announce("4/6", "Supervised fine-tuning: it learns to answer");
        steps.train("sft", "sft", Map.of());
        steps.announce("5/6", "Questions in words it never saw, and about products it never saw");
        QuickstartReport report = evaluate(domain);
        steps.announce("6/6", "The report");
        Path page = report.write();
        report.print(out);
        out.printf("The whole report: %s%n", page.toAbsolutePath().toUri());
        return directory.resolve("sft");
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

    private QuickstartReport evaluate(SampleDomain domain) {
        AnswerTest.Outcome before = steps.ask(directory.resolve("pt"), "before fine-tuning", domain.heldOutPhrasings());
        AnswerTest.Outcome after = steps.ask(directory.resolve("sft"), "unseen phrasings", domain.heldOutPhrasings());
        AnswerTest.Outcome unknown = steps.ask(directory.resolve("sft"), "unseen products", domain.heldOutFacts());
        return new QuickstartReport(directory, domain.statistics(), before, after, unknown, Optional.empty());
    }
}
