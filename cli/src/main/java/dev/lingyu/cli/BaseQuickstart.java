package dev.lingyu.cli;

import dev.lingyu.data.sample.GeneralChinese;
import dev.lingyu.data.sample.SampleDomain;
import dev.lingyu.data.sample.Size;
import dev.lingyu.data.sample.TestRow;
import dev.lingyu.engine.Scorer;
import dev.lingyu.eval.AnswerTest;
import dev.lingyu.model.ChatTemplate;
import dev.lingyu.model.ChatTemplates;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.train.RunRecord;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The chain from raw text to a judged model on the sample store, on a real open model:
///
/// 1. the store's texts, questions and tests are generated;
/// 2. the base model is asked what it knows: of the store, and of the world;
/// 3. post-training: an adapter (LoRA) learns the texts;
/// 4. supervised fine-tuning: the same adapter learns to answer;
/// 5. the adapted model is asked questions in words it never saw, about products it never saw, and what it still
///    knows of the world;
/// 6. a report says what came of it, what was forgotten too.
///
/// The base's own tokenizer and chat template are used, and its weights stay as they are. Each step leaves
/// something in the directory and is passed over when that is complete.
final class BaseQuickstart {
    /// The store's questions come shuffled, so the first are a fair sample: what a model can't know needs no more.
    private static final int QUESTIONS_BEFORE = 100;

    private final Path base;
    private final Path directory;
    private final Size size;
    private final QuickstartSteps steps;
    private final GeneralChinese world = GeneralChinese.bundled();
    private final PrintWriter out;

    /// @param base      a Hugging Face directory
    /// @param overrides settings that win over those of both recipes
    BaseQuickstart(Path base, Path directory, Size size, List<String> overrides, PrintWriter out) {
        this.base = base;
        this.directory = directory;
        this.size = size;
        this.steps = new QuickstartSteps(directory, overrides, out);
        this.out = out;
    }

    /// Runs what is not done yet.
    ///
    /// @return the directory of the finished adapter
    Path run() throws IOException {
        checkBase();
        steps.checkOrigin(Optional.of(base));
        Files.createDirectories(directory);
        SampleDomain domain = SampleDomain.create(size, SampleDomain.DEFAULT_SEED);
        steps.announce("1/6", "The sample store (家电商城): products, policies, dialogues, questions");
        steps.writeDomain(domain);
        steps.announce("2/6", "What the base model knows: of the store, and of the world");
        Knowledge before = before(domain);
        Map<String, String> values = Map.of("base", "'" + base.toString().replace("'", "''") + "'");
        steps.announce("3/6", "Post-training: an adapter (LoRA) learns the store's texts");
        steps.train("pt", "base-pt", values);
        steps.announce("4/6", "Supervised fine-tuning: the adapter learns to answer");
        steps.train("sft", "base-sft", values);
        steps.announce("5/6", "Questions in words it never saw, about products it never saw, and about the world");
        QuickstartReport report = after(domain, before);
        steps.announce("6/6", "The report");
        Path page = report.write();
        report.print(out);
        out.printf("The whole report: %s%n", page.toAbsolutePath().toUri());
        return directory.resolve("sft");
    }

    /// Tells at once what would fail after minutes.
    private void checkBase() {
        if (!Files.isDirectory(base)) {
            throw new CliException("--base " + base + ": there is no such directory; give a Hugging Face model "
                    + "directory, with config.json, weights and tokenizer.json.");
        }
        if (AdapterConfig.isPresent(base)) {
            throw new CliException("--base " + base + " is an adapter; give its base model, or merge the two first: "
                    + "./lingyu merge --model " + base + " --output DIR.");
        }
        ModelConfig.read(base);
        if (!Files.isRegularFile(base.resolve(Tokenizer.FILE_NAME))) {
            throw new CliException(
                    "--base " + base + " has no " + Tokenizer.FILE_NAME + "; it belongs beside the model's weights.");
        }
        if (ChatTemplate.read(base).isEmpty()) {
            out.printf("%s has no chat template: its conversations are written as %s.%n", base, ChatTemplates.DEFAULT);
        }
    }

    private Knowledge before(SampleDomain domain) throws IOException {
        List<TestRow> all = domain.heldOutPhrasings();
        return ask(
                "before.json",
                base,
                base.toAbsolutePath().normalize() + ", " + size,
                all.subList(0, Math.min(QUESTIONS_BEFORE, all.size())),
                List.of());
    }

    private QuickstartReport after(SampleDomain domain, Knowledge before) throws IOException {
        Path adapter = directory.resolve("sft");
        String began =
                RunRecord.read(adapter).map(run -> run.path("started").asText()).orElse("");
        Knowledge after = ask(
                "after.json",
                adapter,
                adapter + ", trained " + began,
                domain.heldOutPhrasings(),
                domain.heldOutFacts());
        return new QuickstartReport(
                directory,
                domain.statistics(),
                before.phrasings(),
                after.phrasings(),
                after.unknown(),
                Optional.of(new Forgetting(base.toString(), before, after)));
    }

    private Knowledge ask(String kept, Path model, String name, List<TestRow> phrasings, List<TestRow> unknown)
            throws IOException {
        Path file = directory.resolve(kept);
        Optional<Knowledge> before = Knowledge.read(file, name);
        if (before.isPresent()) {
            out.printf("  done before: %s%n", file);
            return before.get();
        }
        try (LanguageModel opened = LanguageModel.open(model, LanguageModel.Options.inference())) {
            Knowledge asked = new Knowledge(
                    name,
                    perplexity(opened),
                    steps.ask(opened, "about the world", world.questions()),
                    steps.ask(opened, "about the store", phrasings),
                    unknown.isEmpty()
                            ? new AnswerTest.Outcome(List.of())
                            : steps.ask(opened, "unseen products", unknown));
            asked.write(file);
            return asked;
        }
    }

    private double perplexity(LanguageModel model) {
        Tokenizer tokenizer = model.requireTokenizer();
        return Scorer.perplexity(new Scorer(model.decoder())
                .score(world.texts().stream()
                        .map(tokenizer::encodeWithSpecialTokens)
                        .toList()));
    }
}
