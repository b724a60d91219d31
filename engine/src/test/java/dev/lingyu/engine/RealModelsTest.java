package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.ChatMessage;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Real weights against what transformers computes with them: text in, text out.
///
/// `-Dlingyu.models=DIR` or the variable LINGYU_MODELS names the folder of the model directories. Figures go
/// to standard output.
@Tag("heavy")
class RealModelsTest {
    private static final String SMOLLM2 = "smollm2";
    private static final String QWEN = "qwen2.5-coder-0.5b";
    private static final double NEARLY_TIED = 1e-3;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path SHARED = Path.of(System.getProperty("lingyu.shared", "../../shared"));
    private static final Path GOLDEN = SHARED.resolve("golden").resolve("real");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {SMOLLM2, QWEN})
    void conversationsAndTextsBecomeTheReferencesIds(String name) throws IOException {
        try (LanguageModel model = open(name, DType.BF16)) {
            for (JsonNode row : rows(name)) {
                if (row.has("messages")) {
                    assertThat(model.chatEncoder().render(messages(row)))
                            .isEqualTo(row.path("rendered").asText());
                }
                assertThat(prompt(model, row)).containsExactly(ids(row, "prompt_ids"));
                if (row.has("answer")) {
                    assertThat(model.requireTokenizer()
                                    .encode(row.path("answer").asText()))
                            .containsExactly(ids(row, "answer_ids"));
                }
            }
        }
    }

    /// Exact up to the first step at which the reference itself was nearly undecided.
    @ParameterizedTest
    @ValueSource(strings = {SMOLLM2, QWEN})
    void greedyTokensInF32AreTheReferences(String name) throws IOException {
        List<JsonNode> rows = rows(name);
        List<GenerationResult.Choice> answers = generate(name, DType.F32, rows);
        SoftAssertions softly = new SoftAssertions();
        int whole = 0;
        for (int r = 0; r < rows.size(); r++) {
            int[] want = ids(rows.get(r), "greedy_f32");
            int[] found = answers.get(r).ids();
            int differs = firstDifference(want, found);
            if (differs < 0) {
                whole++;
                softly.assertThat(answers.get(r).text())
                        .as("text of row " + (r + 1))
                        .isEqualTo(rows.get(r).path("text_f32").asText());
                continue;
            }
            JsonNode gaps = rows.get(r).path("top2_gap_f32");
            int decided = 0;
            while (decided < gaps.size() && gaps.get(decided).asDouble() >= NEARLY_TIED) {
                decided++;
            }
            say("%s f32: row %d leaves the reference at step %d, gap %s"
                    .formatted(name, r + 1, differs, gap(gaps, differs)));
            softly.assertThat(differs)
                    .as("row %d: first different token; steps before %d are decided".formatted(r + 1, decided))
                    .isGreaterThanOrEqualTo(decided);
        }
        say("%s f32: %d of %d greedy rows equal to the last token".formatted(name, whole, rows.size()));
        softly.assertAll();
    }

    @ParameterizedTest
    @ValueSource(strings = {SMOLLM2, QWEN})
    void answersAreAsProbableAsTheReferenceSays(String name) throws IOException {
        double worst = 0;
        try (LanguageModel model = open(name, DType.F32)) {
            Scorer scorer = new Scorer(model.decoder());
            for (JsonNode row : rows(name)) {
                if (!row.has("answer")) {
                    continue;
                }
                int[] prompt = ids(row, "prompt_ids");
                int[] answer = ids(row, "answer_ids");
                float[] found = scorer.score(List.of(concatenated(prompt, answer)))
                        .getFirst()
                        .tokenLogprobs();
                for (int i = 0; i < answer.length; i++) {
                    double want = row.path("answer_logprobs_f32").get(i).asDouble();
                    assertThat((double) found[prompt.length + i]).isCloseTo(want, within(1e-3));
                    worst = Math.max(worst, Math.abs(found[prompt.length + i] - want));
                }
            }
        }
        say("%s f32: log-probabilities of answer tokens differ by at most %.2e".formatted(name, worst));
    }

    /// Half precision parts company with the reference where two tokens are nearly tied, as two kernels of the
    /// reference do; counted, not demanded.
    @ParameterizedTest
    @ValueSource(strings = {SMOLLM2, QWEN})
    void greedyTokensInBf16AreCounted(String name) throws IOException {
        List<JsonNode> rows = rows(name);
        List<GenerationResult.Choice> answers = generate(name, DType.BF16, rows);
        int equal = 0;
        int reference = 0;
        for (int r = 0; r < rows.size(); r++) {
            int[] want = ids(rows.get(r), "greedy_bf16");
            int differs = firstDifference(want, answers.get(r).ids());
            int ofReference = firstDifference(want, ids(rows.get(r), "greedy_f32"));
            reference += ofReference < 0 ? 1 : 0;
            if (differs < 0) {
                equal++;
            } else {
                say("%s bf16: row %d leaves the reference's bf16 at step %d of %d; f32 gap there %s%s"
                        .formatted(
                                name,
                                r + 1,
                                differs,
                                want.length,
                                ofReference < 0 || ofReference > differs
                                        ? gap(rows.get(r).path("top2_gap_f32"), differs)
                                        : "unknown",
                                ofReference < 0 ? "" : "; reference's own bf16 leaves its f32 at step " + ofReference));
            }
        }
        say("%s bf16: %d of %d greedy rows equal; of the reference's own bf16 rows %d equal its f32 rows"
                .formatted(name, equal, rows.size(), reference));
        assertThat(answers).hasSize(rows.size());
    }

    @ParameterizedTest
    @ValueSource(strings = {SMOLLM2, QWEN})
    void perplexityOfTextsIsTheReferences(String name) throws IOException {
        List<int[]> texts = new ArrayList<>();
        List<JsonNode> wanted = new ArrayList<>();
        List<Scorer.Score> f32;
        List<Scorer.Score> bf16;
        try (LanguageModel model = open(name, DType.F32);
                Tokenizer tokenizer = Tokenizer.open(asTheReferenceTokenizes(name))) {
            for (String line : Files.readAllLines(GOLDEN.resolve("perplexity.jsonl"))) {
                JsonNode row = JSON.readTree(line);
                if (row.has("file")) {
                    texts.add(tokenizer.encode(text(row)));
                    wanted.add(row.path(name));
                }
            }
            f32 = new Scorer(model.decoder()).score(texts);
        }
        try (LanguageModel model = open(name, DType.BF16)) {
            bf16 = new Scorer(model.decoder()).score(texts);
        }
        double worst = 0;
        for (int i = 0; i < texts.size(); i++) {
            JsonNode want = wanted.get(i);
            assertThat(texts.get(i)).hasSize(want.path("tokens").asInt());
            double loss = loss(f32.get(i));
            worst = Math.max(worst, Math.abs(loss - want.path("mean_nll_f32").asDouble()));
            assertThat(loss).isCloseTo(want.path("mean_nll_f32").asDouble(), within(1e-4));
            say("%s text %d: mean loss f32 %.6f (reference %.6f), bf16 %.6f (reference %.6f)"
                    .formatted(
                            name,
                            i + 1,
                            loss,
                            want.path("mean_nll_f32").asDouble(),
                            loss(bf16.get(i)),
                            want.path("mean_nll_bf16").asDouble()));
            // Rounding, not another computation: the reference's own two types differ by up to 0.013.
            assertThat(loss(bf16.get(i))).isCloseTo(loss, within(0.03));
        }
        say("%s: mean losses in f32 differ by at most %.2e; perplexity of all texts f32 %.4f, bf16 %.4f"
                .formatted(name, worst, Scorer.perplexity(f32), Scorer.perplexity(bf16)));
    }

    /// Transformers 5 builds SmolLM2's pre-tokenizer anew as GPT-2's, without the `Digits` of its tokenizer.json:
    /// blank lines before a digit then are two tokens, not one. The file rules for us; the losses are compared on
    /// the reference's ids.
    private Path asTheReferenceTokenizes(String name) throws IOException {
        Path file = directory(name).resolve(Tokenizer.FILE_NAME);
        if (!name.equals(SMOLLM2)) {
            return file.resolveSibling(".");
        }
        ObjectNode tokenizer = (ObjectNode) JSON.readTree(Files.readAllBytes(file));
        JsonNode steps = tokenizer.path("pre_tokenizer").path("pretokenizers");
        assertThat(steps).hasSize(2);
        assertThat(steps.get(0).path("type").asText()).isEqualTo("Digits");
        tokenizer.set("pre_tokenizer", steps.get(1));
        Files.write(folder.resolve(Tokenizer.FILE_NAME), JSON.writeValueAsBytes(tokenizer));
        return folder;
    }

    private static double loss(Scorer.Score score) {
        return -score.logprob() / (score.tokens() - 1);
    }

    private static List<GenerationResult.Choice> generate(String name, DType dtype, List<JsonNode> rows)
            throws IOException {
        SamplingParams params =
                SamplingParams.greedy().toBuilder().maxNewTokens(64).build();
        long begun = System.nanoTime();
        try (LanguageModel model = open(name, dtype);
                Engine engine = Engine.start(model, EngineOptions.defaults())) {
            List<Generation> running = new ArrayList<>();
            for (JsonNode row : rows) {
                running.add(engine.submit(
                        new GenerationRequest(ids(row, "prompt_ids"), params), GenerationListener.none()));
            }
            List<GenerationResult.Choice> answers = running.stream()
                    .map(generation -> generation.await().choices().getFirst())
                    .toList();
            say("%s %s: generated in %.0f s".formatted(name, dtype, (System.nanoTime() - begun) / 1e9));
            return answers;
        }
    }

    private static LanguageModel open(String name, DType dtype) throws IOException {
        Path directory = directory(name);
        assumeSameWeights(name, directory.resolve("model.safetensors"));
        return LanguageModel.open(directory, LanguageModel.Options.inference().with(dtype, Device.CPU));
    }

    private static Path directory(String name) {
        Optional<String> folder = Optional.ofNullable(System.getProperty("lingyu.models"))
                .or(() -> Optional.ofNullable(System.getenv("LINGYU_MODELS")));
        Assumptions.assumeTrue(
                folder.isPresent(), "Skipped: name the folder of real models with -Dlingyu.models or LINGYU_MODELS.");
        Path directory = Path.of(folder.orElseThrow())
                .resolve(name.equals(SMOLLM2) ? "smollm2-135m-instruct" : name + "-instruct");
        Assumptions.assumeTrue(Files.isDirectory(directory), "Skipped: there is no " + directory + ".");
        Assumptions.assumeTrue(Files.isDirectory(GOLDEN), "Skipped: no reference answers at " + GOLDEN + ".");
        return directory;
    }

    private static void assumeSameWeights(String name, Path weights) throws IOException {
        String want = JSON.readTree(lines(name).getFirst())
                .path("settings")
                .path("model_safetensors_sha256")
                .asText();
        Assumptions.assumeTrue(
                sha256(weights).equals(want), "Skipped: " + weights + " is not the file the reference was made with.");
    }

    private static String sha256(Path file) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                in.transferTo(OutputStream.nullOutputStream());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> lines(String name) throws IOException {
        return Files.readAllLines(GOLDEN.resolve(name + ".jsonl"));
    }

    private static List<JsonNode> rows(String name) throws IOException {
        directory(name);
        List<JsonNode> rows = new ArrayList<>();
        for (String line : lines(name)) {
            JsonNode row = JSON.readTree(line);
            if (row.has("prompt_ids")) {
                rows.add(row);
            }
        }
        assertThat(rows).hasSize(20);
        return rows;
    }

    private static int[] prompt(LanguageModel model, JsonNode row) {
        return row.has("messages")
                ? model.chatEncoder().prompt(messages(row))
                : model.requireTokenizer()
                        .encodeWithSpecialTokens(row.path("text").asText());
    }

    private static List<ChatMessage> messages(JsonNode row) {
        return row.path("messages")
                .valueStream()
                .map(m -> ChatMessage.of(
                        m.path("role").asText(), m.path("content").asText()))
                .toList();
    }

    /// The characters of a public file that a row of perplexity.jsonl names.
    private static String text(JsonNode row) throws IOException {
        Path file = SHARED.resolve("data").resolve(row.path("file").asText());
        String content = Files.readString(file);
        if (!row.path("row").isNull()) {
            JsonNode rows;
            if (content.stripLeading().startsWith("[")) {
                rows = JSON.readTree(content);
            } else {
                rows = JSON.createArrayNode()
                        .addAll(content.lines().map(RealModelsTest::parse).toList());
            }
            JsonNode value = rows.get(row.path("row").asInt());
            for (String key : row.path("field").asText().split("\\.")) {
                value = value.isArray() ? value.path(Integer.parseInt(key)) : value.path(key);
            }
            content = value.asText();
        }
        int from = content.offsetByCodePoints(0, row.path("first_char").asInt());
        int points = content.codePointCount(0, content.length());
        int to = content.offsetByCodePoints(
                0, Math.min(points, row.path("last_char").asInt()));
        String text = content.substring(from, to);
        assertThat(sha256(text))
                .as("text of " + file)
                .isEqualTo(row.path("text_sha256").asText());
        return text;
    }

    private static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int[] ids(JsonNode row, String field) {
        return row.path(field).valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    private static int[] concatenated(int[] a, int[] b) {
        int[] all = java.util.Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    /// The first place where two answers differ, their ends included; -1 where they are equal.
    private static int firstDifference(int[] a, int[] b) {
        return java.util.Arrays.mismatch(a, b);
    }

    private static String gap(JsonNode gaps, int step) {
        return step < gaps.size()
                ? String.format(Locale.ROOT, "%.5f", gaps.get(step).asDouble())
                : "none";
    }

    private static void say(String line) {
        System.out.println(line);
    }
}
