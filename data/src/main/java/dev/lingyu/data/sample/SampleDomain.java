package dev.lingyu.data.sample;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// The bundled sample domain, generated: training texts, instruction rows and two tests with their references.
///
/// ```java
/// SampleDomain domain = SampleDomain.create(Size.FULL, 7);
/// domain.write(Path.of("sample"));
/// ```
///
/// The tests differ in what is new. [#heldOutPhrasings()] asks what training taught, in phrasings it never
/// used: how well knowledge is reached. [#heldOutFacts()] asks about products that no training text names, in
/// phrasings training did use: a model can only guess, and [Statistics#guessNewProducts()] says how far
/// guessing gets.
public final class SampleDomain {
    /// The seed of the published figures.
    public static final long DEFAULT_SEED = 20_261_124L;

    /// Characters per token, measured with a 2,000-piece byte-pair vocabulary trained on this domain (2.6 in
    /// the corpus, 3.3 in the instruction rows); a larger vocabulary merges values into their sentences and
    /// is learned less robustly.
    static final double CHARACTERS_PER_TOKEN = 3.0;

    private final Catalogue catalogue;
    private final Knowledge knowledge;
    private final List<String> corpus;
    private final List<String> heldOutCorpus;
    private final List<SftRow> sft;
    private final List<TestRow> heldOutPhrasings;
    private final List<TestRow> heldOutFacts;

    private SampleDomain(Size size, long seed) {
        Phrases phrases = Catalogue.phrases();
        this.catalogue = Catalogue.bundled();
        this.knowledge = new Knowledge(catalogue, size, seed);
        CorpusComposer composer = new CorpusComposer(knowledge, phrases);
        this.corpus = composer.corpus();
        this.heldOutCorpus = composer.heldOut();
        this.sft = new InstructionComposer(knowledge, phrases, composer).rows();
        this.heldOutPhrasings = phrasingTest();
        this.heldOutFacts = newProductTest();
    }

    /// Generates the domain; the same size and seed give the same result on every machine.
    public static SampleDomain create(Size size, long seed) {
        return new SampleDomain(size, seed);
    }

    /// Everything the store sells and promises, whatever the size.
    public Catalogue catalogue() {
        return catalogue;
    }

    /// Products that training covers.
    public List<Product> knownProducts() {
        return knowledge.known();
    }

    /// Products that only [#heldOutFacts()] asks about.
    public List<Product> newProducts() {
        return knowledge.unseen();
    }

    /// Post-training texts, shuffled.
    public List<String> corpus() {
        return corpus;
    }

    /// Texts about known products and policies in wordings that training never uses: perplexity on them falls
    /// as the domain is learned.
    public List<String> heldOutCorpus() {
        return heldOutCorpus;
    }

    /// Instruction rows, shuffled.
    public List<SftRow> sft() {
        return sft;
    }

    /// The same rows, several questions to a conversation: what stands before every conversation, such as the
    /// system prompt of a model's chat template, is then read once for all of them. Rows that are conversations
    /// already, or have a system prompt of their own, stay by themselves.
    ///
    /// @param questions how many, from 1; the last conversation may have fewer
    public List<SftRow> talks(int questions) {
        List<SftRow> talks = new ArrayList<>();
        List<SftRow.Turn> turns = new ArrayList<>();
        for (SftRow row : sft) {
            if (!row.history().isEmpty() || !row.system().isEmpty()) {
                talks.add(row);
                continue;
            }
            turns.add(new SftRow.Turn(row.asked(), row.output()));
            if (turns.size() == questions) {
                talks.add(talk(turns));
                turns.clear();
            }
        }
        if (!turns.isEmpty()) {
            talks.add(talk(turns));
        }
        return List.copyOf(talks);
    }

    /// The questions about facts alone, once more and in another order: what a model needs to meet many times. A
    /// round asks for every fact once, in a phrasing of its own, before the next begins, so that no answer can be
    /// copied from further up in a conversation.
    ///
    /// @param questions how many to a conversation, from 1; the last may have fewer
    public List<SftRow> questionTalks(int questions) {
        List<Fact> facts = Stream.concat(
                        knowledge.known().stream().flatMap(product -> knowledge.facts(product).stream()),
                        knowledge.policyFacts().stream())
                .toList();
        int rounds =
                facts.stream().mapToInt(fact -> fact.questions().size()).max().orElse(0);
        Draw draw = knowledge.draw("question talks");
        List<SftRow> talks = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            int at = round;
            List<SftRow.Turn> turns = draw.shuffled(facts).stream()
                    .filter(fact -> at < fact.questions().size())
                    .map(fact -> new SftRow.Turn(fact.questions().get(at), fact.answer()))
                    .toList();
            for (int from = 0; from < turns.size(); from += questions) {
                talks.add(talk(turns.subList(from, Math.min(turns.size(), from + questions))));
            }
        }
        return List.copyOf(talks);
    }

    private static SftRow talk(List<SftRow.Turn> turns) {
        SftRow.Turn last = turns.getLast();
        List<SftRow.Turn> history = List.copyOf(turns.subList(0, turns.size() - 1));
        return new SftRow(SftRow.Task.CONVERSATION, last.user(), "", last.assistant(), history, "");
    }

    /// Questions about known facts in phrasings never trained on; shuffled, so that the first N are a fair
    /// sample.
    public List<TestRow> heldOutPhrasings() {
        return heldOutPhrasings;
    }

    /// Questions about products never trained on; shuffled, so that the first N are a fair sample.
    public List<TestRow> heldOutFacts() {
        return heldOutFacts;
    }

    /// Rows, characters and token estimates of each part, and what guessing reaches.
    public Statistics statistics() {
        int facts = knowledge.known().stream()
                .mapToInt(product -> knowledge.facts(product).size())
                .sum();
        return new Statistics(
                knowledge.size(),
                knowledge.seed(),
                knowledge.known().size(),
                knowledge.unseen().size(),
                facts + knowledge.policies().size(),
                List.of(
                        part("corpus", corpus),
                        part("corpus_heldout", heldOutCorpus),
                        part("sft", sft.stream().map(SampleDomain::text).toList()),
                        part(
                                "test_phrasings",
                                heldOutPhrasings.stream()
                                        .map(SampleDomain::text)
                                        .toList()),
                        part(
                                "test_new_products",
                                heldOutFacts.stream().map(SampleDomain::text).toList())),
                guess(heldOutPhrasings),
                guess(heldOutFacts));
    }

    /// Writes everything into a directory, which is created if it is missing; each file appears whole or not
    /// at all.
    ///
    /// @throws SampleDomainException if the directory can't be written
    public void write(Path directory) {
        new SampleFiles(this).write(directory);
    }

    private List<TestRow> phrasingTest() {
        List<TestRow> rows = new ArrayList<>();
        int turn = 0;
        for (Product product : knowledge.known()) {
            for (Fact fact : knowledge.facts(product)) {
                rows.add(fact.ask(fact.heldOut().get(turn++ % fact.heldOut().size())));
            }
        }
        for (Fact fact : knowledge.policyFacts()) {
            fact.heldOut().forEach(question -> rows.add(fact.ask(question)));
        }
        return List.copyOf(knowledge.draw("phrasing test").shuffled(rows));
    }

    private List<TestRow> newProductTest() {
        Draw draw = knowledge.draw("new product test");
        List<TestRow> rows = new ArrayList<>();
        for (Product product : knowledge.unseen()) {
            knowledge.facts(product).forEach(fact -> rows.add(fact.ask(draw.one(fact.questions()))));
        }
        return List.copyOf(draw.shuffled(rows));
    }

    /// The share won by answering, for each category and attribute, its commonest value among known products.
    private double guess(List<TestRow> rows) {
        Map<String, Map<String, Integer>> counts = new HashMap<>();
        for (Product product : knowledge.known()) {
            for (Fact fact : knowledge.facts(product)) {
                counts.computeIfAbsent(attribute(fact.id()), key -> new HashMap<>())
                        .merge(fact.key(), 1, Integer::sum);
            }
        }
        Map<String, String> commonest = new HashMap<>();
        counts.forEach((attribute, values) -> values.entrySet().stream()
                .max(Map.Entry.<String, Integer>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
                .ifPresent(entry -> commonest.put(attribute, entry.getKey())));
        long won = rows.stream()
                .filter(row -> row.key().equals(commonest.get(attribute(row.factId()))))
                .count();
        return rows.isEmpty() ? 0 : (double) won / rows.size();
    }

    /// A fact's id without its product: `fridge/B48/price` is `fridge/price`.
    private static String attribute(String factId) {
        return factId.replaceFirst("/[A-Z][0-9]+/", "/");
    }

    private static Statistics.Part part(String name, List<String> texts) {
        long characters = texts.stream()
                .mapToLong(text -> text.codePointCount(0, text.length()))
                .sum();
        return new Statistics.Part(name, texts.size(), characters, Math.round(characters / CHARACTERS_PER_TOKEN));
    }

    private static String text(SftRow row) {
        StringBuilder text = new StringBuilder(row.system());
        row.history().forEach(turn -> text.append(turn.user()).append(turn.assistant()));
        return text.append(row.instruction())
                .append(row.input())
                .append(row.output())
                .toString();
    }

    private static String text(TestRow row) {
        return row.question() + row.answer();
    }
}
