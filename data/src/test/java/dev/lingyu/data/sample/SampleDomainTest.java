package dev.lingyu.data.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.data.sample.SftRow.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SampleDomainTest {
    private static final long SEED = SampleDomain.DEFAULT_SEED;

    @Test
    void theCatalogueHasTenCategoriesTwoHundredAndFortyProductsAndThirtyPolicies() {
        Catalogue catalogue = Catalogue.bundled();
        assertThat(catalogue.categories()).hasSize(10);
        assertThat(catalogue.products()).hasSize(240);
        assertThat(catalogue.policies()).hasSizeGreaterThanOrEqualTo(30);
        assertThat(catalogue.products().stream().map(Product::model)).doesNotHaveDuplicates();
        assertThat(catalogue.products()).allSatisfy(product -> {
            assertThat(product.values()).hasSizeGreaterThanOrEqualTo(9);
            assertThat(product.values().values()).noneMatch(String::isBlank);
        });
    }

    @Test
    void everyAskedAttributeHasSixTrainingAndTwoHeldOutPhrasings() {
        for (Category category : Catalogue.bundled().categories()) {
            assertThat(category.asked()).hasSize(4).allSatisfy(attribute -> {
                assertThat(attribute.questions()).hasSizeGreaterThanOrEqualTo(6).doesNotHaveDuplicates();
                assertThat(attribute.heldOut())
                        .hasSizeGreaterThanOrEqualTo(2)
                        .doesNotContainAnyElementsOf(attribute.questions());
            });
        }
        assertThat(Catalogue.bundled().policies()).allSatisfy(policy -> {
            assertThat(policy.questions()).hasSizeGreaterThanOrEqualTo(6).doesNotHaveDuplicates();
            assertThat(policy.heldOut()).hasSizeGreaterThanOrEqualTo(2);
        });
    }

    @Test
    void fullHasTheStatedCounts() {
        SampleDomain domain = SampleDomain.create(Size.FULL, SEED);
        assertThat(domain.knownProducts()).hasSize(210);
        assertThat(domain.newProducts()).hasSize(30);
        assertThat(domain.heldOutFacts()).hasSize(30 * 4);
        assertThat(domain.heldOutPhrasings())
                .hasSize(210 * 4 + 2 * domain.catalogue().policies().size());
        assertThat(domain.sft().stream().map(SftRow::task).collect(Collectors.toSet()))
                .isEqualTo(EnumSet.allOf(Task.class));
        Statistics statistics = domain.statistics();
        assertThat(statistics.facts())
                .isEqualTo(210 * 4 + domain.catalogue().policies().size());
        assertThat(statistics.parts()).extracting(Statistics.Part::name).contains("corpus", "sft");
        // A run of pt and sft within minutes on two cores: at most 400,000 tokens per pass over both.
        assertThat(statistics.parts().stream()
                        .filter(part -> Set.of("corpus", "sft").contains(part.name()))
                        .mapToLong(Statistics.Part::estimatedTokens)
                        .sum())
                .isBetween(100_000L, 400_000L);
        assertThat(statistics.guessPhrasings()).isBetween(0.05, 0.4);
        assertThat(statistics.guessNewProducts()).isBetween(0.05, 0.4);
    }

    @Test
    void smallIsAThirdOfFull() {
        SampleDomain small = SampleDomain.create(Size.SMALL, SEED);
        assertThat(small.knownProducts()).hasSize(80);
        assertThat(small.newProducts()).hasSize(20);
        assertThat(small.sft().size())
                .isLessThan(SampleDomain.create(Size.FULL, SEED).sft().size() / 2);
    }

    @ParameterizedTest
    @EnumSource(Size.class)
    void theSameSeedGivesTheSameBytesAndAnotherSeedDoesNot(Size size, @TempDir Path directory) throws IOException {
        SampleDomain.create(size, 7).write(directory.resolve("a"));
        SampleDomain.create(size, 7).write(directory.resolve("b"));
        SampleDomain.create(size, 8).write(directory.resolve("c"));
        assertThat(digest(directory.resolve("a"))).isEqualTo(digest(directory.resolve("b")));
        assertThat(digest(directory.resolve("a"))).isNotEqualTo(digest(directory.resolve("c")));
    }

    @Test
    void theDefaultSeedGivesThePublishedBytes(@TempDir Path directory) throws IOException {
        SampleDomain.create(Size.FULL, SEED).write(directory);
        // Changes whenever resources or generator change: then figures measured before are no longer comparable.
        assertThat(digest(directory)).isEqualTo("689e767a85ce464e271446bad8db8c2d356aeedf3727433c68151cca83e2bbc8");
    }

    @ParameterizedTest
    @EnumSource(Size.class)
    void noHeldOutQuestionAppearsInAnyTrainingText(Size size) {
        SampleDomain domain = SampleDomain.create(size, SEED);
        String training = String.join("\n", trainingTexts(domain));
        assertThat(domain.heldOutPhrasings())
                .allSatisfy(row -> assertThat(training).doesNotContain(row.question()));
    }

    @Test
    void noHeldOutPhrasingPatternIsATrainingPatternEvenBehindACourtesy() {
        SampleDomain domain = SampleDomain.create(Size.FULL, SEED);
        Set<String> patterns = new HashSet<>();
        domain.sft().forEach(row -> {
            patterns.add(pattern(domain, row.instruction()));
            row.history().forEach(turn -> patterns.add(pattern(domain, turn.user())));
        });
        for (String opener : Catalogue.phrases().openers()) {
            patterns.addAll(patterns.stream()
                    .filter(pattern -> pattern.startsWith(opener))
                    .map(pattern -> pattern.substring(opener.length()))
                    .toList());
        }
        assertThat(domain.heldOutPhrasings().stream().map(row -> pattern(domain, row.question())))
                .isNotEmpty()
                .noneMatch(patterns::contains);
    }

    @ParameterizedTest
    @EnumSource(Size.class)
    void noNewProductIsNamedInTrainingOrHeldOutTexts(Size size) {
        SampleDomain domain = SampleDomain.create(size, SEED);
        String texts = String.join("\n", trainingTexts(domain)) + String.join("\n", domain.heldOutCorpus());
        assertThat(domain.newProducts())
                .isNotEmpty()
                .allSatisfy(product -> assertThat(texts)
                        .doesNotContain(product.model() + product.category().name())
                        .doesNotContain(product.brand() + product.model()));
        Set<String> names = domain.newProducts().stream().map(Product::name).collect(Collectors.toSet());
        assertThat(domain.heldOutFacts())
                .allSatisfy(
                        row -> assertThat(names).anyMatch(name -> row.question().contains(name)));
    }

    @ParameterizedTest
    @EnumSource(Size.class)
    void everyTestedKnownFactIsInTheCorpusAndInTheInstructionRows(Size size) {
        SampleDomain domain = SampleDomain.create(size, SEED);
        String corpus = String.join("\n", domain.corpus());
        Set<String> answers = domain.sft().stream().map(SftRow::output).collect(Collectors.toSet());
        assertThat(domain.heldOutPhrasings()).allSatisfy(row -> {
            assertThat(corpus).contains(row.answer());
            assertThat(answers).contains(row.answer());
        });
    }

    @ParameterizedTest
    @EnumSource(Size.class)
    void everyReferenceAnswerPassesTheCheckAndAnotherFactsAnswerDoesNot(Size size) {
        SampleDomain domain = SampleDomain.create(size, SEED);
        Stream.concat(domain.heldOutPhrasings().stream(), domain.heldOutFacts().stream())
                .forEach(row -> assertThat(AnswerCheck.right(row, row.answer()))
                        .as(row.toString())
                        .isTrue());
        Map<String, List<TestRow>> byAttribute = domain.heldOutPhrasings().stream()
                .filter(row -> !row.factId().startsWith("policy/"))
                .collect(Collectors.groupingBy(row -> row.factId().replaceFirst("/[A-Z][0-9]+/", "/")));
        byAttribute
                .values()
                .forEach(rows -> rows.forEach(row -> rows.stream()
                        .filter(other -> !other.key().equals(row.key()))
                        .forEach(other -> assertThat(AnswerCheck.right(row, other.answer()))
                                .as(row + " against " + other)
                                .isFalse())));
    }

    @Test
    void noQuestionHasTwoAnswers() {
        SampleDomain domain = SampleDomain.create(Size.FULL, SEED);
        Map<String, String> answers = new HashMap<>();
        domain.sft().stream().filter(row -> row.history().isEmpty()).forEach(row -> {
            String before = answers.put(row.instruction() + "\n" + row.input(), row.output());
            assertThat(before == null || before.equals(row.output()))
                    .as(row.toString())
                    .isTrue();
        });
        domain.heldOutPhrasings().forEach(row -> {
            String before = answers.put(row.question(), row.answer());
            assertThat(before == null || before.equals(row.answer()))
                    .as(row.toString())
                    .isTrue();
        });
    }

    @Test
    void noTemplateSlotIsLeftUnfilled() {
        SampleDomain domain = SampleDomain.create(Size.FULL, SEED);
        List<String> texts = new ArrayList<>(trainingTexts(domain));
        texts.addAll(domain.heldOutCorpus());
        domain.heldOutPhrasings().forEach(row -> texts.add(row.question() + row.answer()));
        domain.heldOutFacts().forEach(row -> texts.add(row.question() + row.answer()));
        assertThat(texts).noneMatch(text -> text.contains("{") || text.contains("}") || text.contains("，，"));
    }

    @Test
    void categoryTextsAndDialogueLogsHaveTheirForms() {
        List<String> corpus = SampleDomain.create(Size.SMALL, SEED).corpus();
        assertThat(corpus).anyMatch(text -> text.matches("品类结构：家用电器，大家电，冰箱。品类商品描述：.+。品类包含：.+。"));
        assertThat(corpus).anyMatch(text -> text.matches("User: .+ ChatBot: .+ User: .+ ChatBot: .+"));
    }

    @Test
    void comparisonsNameTheBetterProductFirst() {
        SampleDomain domain = SampleDomain.create(Size.FULL, SEED);
        Map<String, Product> byName =
                domain.knownProducts().stream().collect(Collectors.toMap(Product::name, product -> product));
        List<SftRow> cheaper = domain.sft().stream()
                .filter(row -> row.task() == Task.COMPARISON && row.output().contains("更便宜"))
                .toList();
        assertThat(cheaper).isNotEmpty().allSatisfy(row -> {
            String winner = row.output().substring(0, row.output().indexOf("更便宜"));
            String other = row.output()
                    .substring(row.output().indexOf("；") + 1, row.output().lastIndexOf("售价"));
            assertThat(price(byName, winner)).isLessThan(price(byName, other));
        });
    }

    @Test
    void recommendationsStayWithinTheBudget() {
        SampleDomain domain = SampleDomain.create(Size.FULL, SEED);
        List<SftRow> budgets = domain.sft().stream()
                .filter(row ->
                        row.task() == Task.RECOMMENDATION && row.instruction().matches(".*\\d+元.*"))
                .toList();
        assertThat(budgets)
                .hasSizeGreaterThan(100)
                .allSatisfy(
                        row -> assertThat(firstYuan(row.output())).isLessThanOrEqualTo(firstYuan(row.instruction())));
    }

    @Test
    void talksAskTheSameQuestionsInFewerConversations() {
        SampleDomain domain = SampleDomain.create(Size.SMALL, SEED);
        List<SftRow> talks = domain.talks(6);
        assertThat(questions(talks)).isEqualTo(questions(domain.sft()));
        long alone = domain.sft().stream()
                .filter(row -> row.history().isEmpty() && row.system().isEmpty())
                .count();
        long others = domain.sft().size() - alone;
        assertThat(others).isPositive();
        assertThat(talks).hasSize((int) (others + (alone + 5) / 6));
    }

    @Test
    void questionTalksAskEveryFactInAllItsPhrasingsAndNeverTwiceInOneTalk() {
        SampleDomain domain = SampleDomain.create(Size.SMALL, SEED);
        List<SftRow> talks = domain.questionTalks(12);
        assertThat(talks).allSatisfy(talk -> {
            assertThat(talk.history().size()).isLessThan(12);
            assertThat(answers(talk)).doesNotHaveDuplicates();
        });
        Set<String> held =
                domain.heldOutPhrasings().stream().map(TestRow::question).collect(Collectors.toSet());
        assertThat(questions(talks).keySet())
                .allSatisfy(turn -> assertThat(held).noneMatch(turn::contains));
        Map<String, Long> asked = talks.stream()
                .flatMap(talk -> answers(talk).stream())
                .collect(Collectors.groupingBy(a -> a, Collectors.counting()));
        Map<String, Long> alone = domain.sft().stream()
                .filter(row -> row.task() == SftRow.Task.ATTRIBUTE || row.task() == SftRow.Task.POLICY)
                .collect(Collectors.groupingBy(SftRow::output, Collectors.counting()));
        assertThat(asked).isEqualTo(alone);
    }

    private static List<String> answers(SftRow talk) {
        return Stream.concat(talk.history().stream().map(SftRow.Turn::assistant), Stream.of(talk.output()))
                .toList();
    }

    /// All questions with their answers, however they are spread over conversations.
    private static Map<String, Long> questions(List<SftRow> rows) {
        return rows.stream()
                .flatMap(row ->
                        Stream.concat(row.history().stream(), Stream.of(new SftRow.Turn(row.asked(), row.output()))))
                .collect(Collectors.groupingBy(SftRow.Turn::toString, Collectors.counting()));
    }

    @Test
    void filesParseAndFollowLlamaFactorysRegistry(@TempDir Path directory) throws IOException {
        SampleDomain domain = SampleDomain.create(Size.SMALL, SEED);
        domain.write(directory);
        ObjectMapper json = new ObjectMapper();
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "corpus.jsonl",
                            "corpus_heldout.jsonl",
                            "sft.json",
                            "sft_conversations.json",
                            "sft_talks.json",
                            "sft_question_talks.json",
                            "test_phrasings.jsonl",
                            "test_new_products.jsonl",
                            "catalogue.json",
                            "policies.json",
                            "dataset_info.json",
                            "README.md");
        }
        JsonNode info = json.readTree(directory.resolve("dataset_info.json").toFile());
        assertThat(info).hasSize(6).allSatisfy(entry -> {
            Path file = directory.resolve(entry.get("file_name").asText());
            assertThat(file).exists();
        });
        assertThat(info.at("/home_appliances_corpus/columns/prompt").asText()).isEqualTo("text");

        List<String> texts = new ArrayList<>();
        for (String line : Files.readAllLines(directory.resolve("corpus.jsonl"))) {
            texts.add(json.readTree(line).get("text").asText());
        }
        assertThat(texts).isEqualTo(domain.corpus());

        JsonNode sft = json.readTree(directory.resolve("sft.json").toFile());
        JsonNode conversations =
                json.readTree(directory.resolve("sft_conversations.json").toFile());
        assertThat(sft).hasSize(domain.sft().size());
        assertThat(conversations).hasSize(domain.sft().size());
        for (int i = 0; i < sft.size(); i++) {
            SftRow row = domain.sft().get(i);
            assertThat(sft.get(i).get("output").asText()).isEqualTo(row.output());
            JsonNode turns = conversations.get(i).get("conversations");
            assertThat(turns).hasSize(2 * row.history().size() + 2);
            assertThat(turns.get(turns.size() - 1).get("value").asText()).isEqualTo(row.output());
        }

        List<String> tests = Files.readAllLines(directory.resolve("test_phrasings.jsonl"));
        assertThat(tests).hasSize(domain.heldOutPhrasings().size());
        assertThat(json.readTree(tests.getFirst()).properties().stream().map(Map.Entry::getKey))
                .contains("question", "answer", "key", "category", "fact_id");
        JsonNode catalogue = json.readTree(directory.resolve("catalogue.json").toFile());
        assertThat(catalogue.get("categories")).hasSize(10);
        assertThat(json.readTree(directory.resolve("policies.json").toFile()))
                .hasSize(domain.catalogue().policies().size());
    }

    @Test
    void aFileInTheDirectorysPlaceIsNamedInTheError(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("taken"), "x");
        SampleDomain domain = SampleDomain.create(Size.SMALL, SEED);
        assertThatThrownBy(() -> domain.write(file))
                .isInstanceOf(SampleDomainException.class)
                .hasMessageContaining("taken");
    }

    private static List<String> trainingTexts(SampleDomain domain) {
        List<String> texts = new ArrayList<>(domain.corpus());
        domain.sft().forEach(row -> {
            texts.add(row.instruction() + "\n" + row.input() + "\n" + row.output() + "\n" + row.system());
            row.history().forEach(turn -> texts.add(turn.user() + "\n" + turn.assistant()));
        });
        return texts;
    }

    private static String pattern(SampleDomain domain, String question) {
        String pattern = question;
        for (Product product : domain.catalogue().products()) {
            pattern = pattern.replace(product.name(), "{p}");
        }
        return pattern;
    }

    private static int price(Map<String, Product> byName, String name) {
        Product product = byName.get(name);
        assertThat(product).as(name).isNotNull();
        return product == null ? 0 : firstYuan(product.values().getOrDefault("price", ""));
    }

    private static int firstYuan(String text) {
        String digits = text.replaceFirst("元.*$", "").replaceFirst("^.*[^0-9]", "");
        return Integer.parseInt(digits);
    }

    private static String digest(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            Map<String, Path> sorted = new TreeMap<>();
            files.forEach(file -> sorted.put(file.getFileName().toString(), file));
            for (Map.Entry<String, Path> entry : sorted.entrySet()) {
                digest.update(entry.getKey().getBytes(java.nio.charset.StandardCharsets.UTF_8));
                digest.update(Files.readAllBytes(entry.getValue()));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256.", e);
        }
    }
}
