package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.DatasetException;
import dev.lingyu.dataset.LabelledExample;
import dev.lingyu.dataset.Message;
import dev.lingyu.dataset.PreferencePair;
import dev.lingyu.dataset.Role;
import dev.lingyu.dataset.TextExample;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The same YAML gives the same tokens and labels as LLaMA-Factory 0.9.5, row by row, wherever nothing is cut.
///
/// Each difference that is made on purpose has its method here (`docs/reference/llama-factory.md` says why):
/// [#withoutLineBreaks], [#withoutEmptyThoughts], [#isEmptyAnswer], [#spellsMarkers], [#checkCut],
/// [#withoutEmptySystem].
class LlamaFactoryRowsTest {
    @TempDir
    Path scratch;

    static Stream<String> sft() throws IOException {
        return names("sft").filter(n -> !n.contains("packing"));
    }

    static Stream<String> names(String stage) throws IOException {
        List<String> all = GoldenRows.names();
        return all.isEmpty() ? Stream.of("absent") : all.stream().filter(n -> n.startsWith(stage + "-"));
    }

    static Stream<String> rm() throws IOException {
        return names("rm");
    }

    static Stream<String> ppo() throws IOException {
        return names("ppo");
    }

    static Stream<String> packing() throws IOException {
        return names("sft").filter(n -> n.contains("packing"));
    }

    static Stream<String> pt() throws IOException {
        return names("pt").filter(n -> !n.contains("own"));
    }

    private static GoldenRows read(String name) throws IOException {
        Assumptions.assumeFalse(name.equals("absent"), "Skipped: no golden rows at " + GoldenRows.FOLDER);
        return GoldenRows.read(name);
    }

    private record Ids(int[] ids, int[] labels) {
        static Ids of(TrainingRow row) {
            return new Ids(row.ids(), row.labels());
        }

        static Ids of(JsonNode row, String prefix) {
            return new Ids(
                    GoldenRows.ints(row.path(prefix + "input_ids")), GoldenRows.ints(row.path(prefix + "labels")));
        }
    }

    @ParameterizedTest
    @MethodSource("sft")
    void conversationsAreLlamaFactorysRows(String name) throws IOException {
        GoldenRows golden = read(name);
        try (Tokenizer tokenizer = golden.tokenizer(scratch)) {
            ChatEncoder encoder = golden.encoder(tokenizer);
            RowOptions options =
                    new RowOptions(golden.cutoff(), golden.flag("train_on_prompt"), golden.flag("mask_history"));
            RowOptions uncut =
                    new RowOptions(Integer.MAX_VALUE, golden.flag("train_on_prompt"), golden.flag("mask_history"));
            List<Conversation> examples = golden.examples(Conversation.class);
            assertThat(examples).hasSize(golden.rows().size());
            int equal = 0;
            for (int i = 0; i < examples.size(); i++) {
                Conversation example = examples.get(i);
                Ids expected = Ids.of(golden.rows().get(i), "");
                Optional<TrainingRow> whole =
                        new ChatRows(encoder, uncut).conversation(example).row();
                ChatRows.Made<TrainingRow> made = new ChatRows(encoder, options).conversation(example);
                if (whole.isEmpty()) {
                    assertThat(isEmptyAnswer(example))
                            .as("row %d has nothing to learn", i + 1)
                            .isTrue();
                    assertThat(made.cuts()).isEqualTo(RowCuts.DROPPED);
                } else if (whole.get().ids().length > golden.cutoff()) {
                    checkCut(example, made, options, tokenizer, whole.get());
                } else if (example.tools().isEmpty()
                        && golden.settings().path("template").asText().equals("default")
                        && name.contains("toolcall")) {
                    Ids own = Ids.of(made.row().orElseThrow());
                    int extra = expected.ids().length - own.ids().length;
                    same(
                            name + ", row " + (i + 1),
                            tokenizer,
                            own,
                            withoutEmptySystem(expected, extra),
                            false,
                            example);
                    equal++;
                } else {
                    same(
                            name + ", row " + (i + 1),
                            tokenizer,
                            Ids.of(made.row().orElseThrow()),
                            expected,
                            options.trainOnPrompt(),
                            example);
                    equal++;
                }
            }
            assertThat(equal).as("rows that were compared").isGreaterThanOrEqualTo(name.contains("cut") ? 0 : 2);
        }
    }

    /// Difference 6: a row whose tools are an empty list has no tools, so nothing is written for them.
    private static Ids withoutEmptySystem(Ids golden, int tokens) {
        return new Ids(
                Arrays.copyOfRange(golden.ids(), tokens, golden.ids().length),
                Arrays.copyOfRange(golden.labels(), tokens, golden.labels().length));
    }

    private static void same(
            String row, Tokenizer tokenizer, Ids found, Ids golden, boolean onPrompt, Conversation example) {
        Ids expected = onPrompt
                ? withoutEmptyAnswers(golden, example, tokenizer)
                : withoutEmptyThoughts(withoutLineBreaks(golden, tokenizer), tokenizer);
        if (spellsMarkers(example, tokenizer)) {
            assertThat(tokenizer.decode(found.ids(), false))
                    .as(row + ", text")
                    .isEqualTo(tokenizer.decode(expected.ids(), false));
            assertThat(tokenizer.decode(labelled(found), false))
                    .as(row + ", labels")
                    .isEqualTo(tokenizer.decode(labelled(expected), false));
            assertThat(specials(found.ids(), tokenizer)).isLessThan(specials(expected.ids(), tokenizer));
            return;
        }
        assertThat(found.ids()).as(row + ", ids").isEqualTo(expected.ids());
        assertThat(found.labels()).as(row + ", labels").isEqualTo(expected.labels());
    }

    private static int[] labelled(Ids row) {
        return Arrays.stream(row.labels()).filter(l -> l != TrainingRow.IGNORE).toArray();
    }

    private static long specials(int[] ids, Tokenizer tokenizer) {
        return Arrays.stream(ids).filter(tokenizer::isSpecial).count();
    }

    /// Difference 1: the white space that a template writes behind the end of an answer is not trained.
    private static Ids withoutLineBreaks(Ids golden, Tokenizer tokenizer) {
        int[] labels = golden.labels().clone();
        for (int i = 1; i < labels.length; i++) {
            boolean behindEnd = labels[i - 1] != TrainingRow.IGNORE && tokenizer.isSpecial(golden.ids()[i - 1]);
            boolean last = i + 1 == labels.length || labels[i + 1] == TrainingRow.IGNORE;
            if (behindEnd
                    && last
                    && labels[i] != TrainingRow.IGNORE
                    && tokenizer.decode(new int[] {labels[i]}, false).isBlank()) {
                labels[i] = TrainingRow.IGNORE;
            }
        }
        return new Ids(golden.ids(), labels);
    }

    /// Difference 2: the empty block of thoughts in front of an answer that has none is read, not trained.
    private static Ids withoutEmptyThoughts(Ids golden, Tokenizer tokenizer) {
        int[] block = tokenizer.encode("<think>\n\n</think>\n\n");
        int[] labels = golden.labels().clone();
        for (int i = 0; i + block.length <= labels.length; i++) {
            if (Arrays.equals(golden.ids(), i, i + block.length, block, 0, block.length)) {
                Arrays.fill(labels, i, i + block.length, TrainingRow.IGNORE);
            }
        }
        return new Ids(golden.ids(), labels);
    }

    /// Difference 3: an answer without text is not trained; a row without any other is dropped.
    private static boolean isEmptyAnswer(Conversation example) {
        return example.messages().getLast().content().isBlank();
    }

    private static Ids withoutEmptyAnswers(Ids golden, Conversation example, Tokenizer tokenizer) {
        if (!isEmptyAnswer(example)) {
            return golden;
        }
        int[] labels = golden.labels().clone();
        int end = labels.length - 1;
        while (!tokenizer.isSpecial(golden.ids()[end])) {
            end--;
        }
        labels[end] = TrainingRow.IGNORE;
        return new Ids(golden.ids(), labels);
    }

    /// Difference 4: a special token that somebody typed is text.
    private static boolean spellsMarkers(Conversation example, Tokenizer tokenizer) {
        return example.messages().stream()
                .anyMatch(m -> tokenizer.specialTokens().stream().anyMatch(m.content()::contains));
    }

    /// Difference 5: a row that is too long loses its history, then the middle of a long question, then the
    /// answer's tail, never the question; LLaMA-Factory cuts the front of the prompt.
    private static void checkCut(
            Conversation example,
            ChatRows.Made<TrainingRow> made,
            RowOptions options,
            Tokenizer tokenizer,
            TrainingRow whole) {
        if (made.row().isEmpty()) {
            assertThat(options.cutoff())
                    .as("only a tiny cutoff_len drops a row")
                    .isLessThan(40);
            return;
        }
        TrainingRow row = made.row().get();
        assertThat(row.ids().length).isLessThanOrEqualTo(options.cutoff());
        String text = tokenizer.decode(row.ids(), false);
        String question = example.messages().stream()
                .filter(m -> m.role() == Role.USER)
                .reduce((a, b) -> b)
                .orElseThrow()
                .content();
        if (made.cuts().shortened() == 0) {
            assertThat(text).contains(question);
        }
        int questionTokens = tokenizer.encodePlain(question).length;
        assertThat(text).contains(question.substring(0, Math.min(question.length(), 4)));
        if (questionTokens <= 16) {
            assertThat(made.cuts().shortened()).isZero();
        }
        int last = whole.ids().length - 1;
        while (whole.labels()[last] == TrainingRow.IGNORE) {
            last--;
        }
        int ending = whole.ids()[last];
        boolean ended = Arrays.stream(row.labels()).anyMatch(l -> l == ending);
        if (made.cuts().answers() > 0 && example.messages().size() == 2) {
            assertThat(ended).as("a cut answer has no end token").isFalse();
        }
        if (made.cuts().equals(RowCuts.NONE)) {
            // All that was too much is white space behind the last end token.
            assertThat(row.ids()).isEqualTo(Arrays.copyOf(whole.ids(), row.ids().length));
        }
        long turns = begun(whole, tokenizer) == 0
                ? 0
                : begun(whole, tokenizer) - made.cuts().historyTurns();
        assertThat(begun(row, tokenizer))
                .as("whole markers of the turns that are left")
                .isEqualTo(turns);
    }

    private static long begun(TrainingRow row, Tokenizer tokenizer) {
        int marker = tokenizer.id("<|im_start|>").orElse(-1);
        boolean isBos = tokenizer.bosTokenId().orElse(-2) == marker;
        return isBos ? 0 : Arrays.stream(row.ids()).filter(id -> id == marker).count();
    }

    @ParameterizedTest
    @MethodSource("rm")
    void pairsAreLlamaFactorysRows(String name) throws IOException {
        GoldenRows golden = read(name);
        try (Tokenizer tokenizer = golden.tokenizer(scratch)) {
            ChatEncoder encoder = golden.encoder(tokenizer);
            List<PreferencePair> pairs = golden.examples(PreferencePair.class);
            int equal = 0;
            for (int i = 0; i < pairs.size(); i++) {
                PreferenceRow whole = new ChatRows(encoder, RowOptions.of(Integer.MAX_VALUE))
                        .preference(pairs.get(i))
                        .row()
                        .orElseThrow();
                PreferenceRow row = new ChatRows(encoder, RowOptions.of(golden.cutoff()))
                        .preference(pairs.get(i))
                        .row()
                        .orElseThrow();
                assertThat(row.chosen().ids().length).isLessThanOrEqualTo(golden.cutoff());
                assertThat(row.rejected().ids().length).isLessThanOrEqualTo(golden.cutoff());
                assertThat(Arrays.copyOf(row.chosen().ids(), row.prompt()))
                        .isEqualTo(Arrays.copyOf(row.rejected().ids(), row.prompt()));
                Conversation prompt = pairs.get(i).prompt();
                if (Math.max(whole.chosen().ids().length, whole.rejected().ids().length) <= golden.cutoff()) {
                    JsonNode expected = golden.rows().get(i);
                    same(
                            name + " chosen " + i,
                            tokenizer,
                            Ids.of(row.chosen()),
                            Ids.of(expected, "chosen_"),
                            false,
                            prompt);
                    same(
                            name + " rejected " + i,
                            tokenizer,
                            Ids.of(row.rejected()),
                            Ids.of(expected, "rejected_"),
                            false,
                            prompt);
                    equal++;
                }
            }
            assertThat(equal).isGreaterThan(name.contains("cut128") ? -1 : 1);
        }
    }

    @Test
    void judgedAnswersAreLlamaFactorysRows() throws IOException {
        GoldenRows golden = read(GoldenRows.names().isEmpty() ? "absent" : "kto-qwen");
        try (Tokenizer tokenizer = golden.tokenizer(scratch)) {
            ChatRows rows = new ChatRows(golden.encoder(tokenizer), RowOptions.of(golden.cutoff()));
            List<LabelledExample> examples = golden.examples(LabelledExample.class);
            for (int i = 0; i < examples.size(); i++) {
                Message other = examples.get((i + examples.size() - 1) % examples.size())
                        .conversation()
                        .messages()
                        .getLast();
                FeedbackRow row =
                        rows.feedback(examples.get(i), Optional.of(other)).row().orElseThrow();
                JsonNode expected = golden.rows().get(i);
                Conversation talk = examples.get(i).conversation();
                assertThat(row.desirable()).isEqualTo(expected.path("kto_tags").asBoolean());
                if (expected.path("input_ids").size() < golden.cutoff()) {
                    same("kto " + i, tokenizer, Ids.of(row.row()), Ids.of(expected, ""), false, talk);
                }
                if (expected.path("kl_input_ids").size() < golden.cutoff()) {
                    same(
                            "kto, mismatch " + i,
                            tokenizer,
                            Ids.of(row.mismatch().orElseThrow()),
                            Ids.of(expected, "kl_"),
                            false,
                            talk);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("ppo")
    void promptsAreLlamaFactorysRows(String name) throws IOException {
        GoldenRows golden = read(name);
        try (Tokenizer tokenizer = golden.tokenizer(scratch)) {
            ChatEncoder encoder = golden.encoder(tokenizer);
            ChatRows rows = new ChatRows(encoder, RowOptions.of(golden.cutoff()));
            int[] opening = tokenizer.encode("<|im_start|>assistant\n");
            List<Conversation> examples = golden.examples(Conversation.class);
            for (int i = 0; i < examples.size(); i++) {
                Conversation prompt = examples.get(i).withoutAnswer();
                Message answer = examples.get(i).messages().getLast();
                PromptRow row = rows.prompt(prompt, Optional.of(answer)).row().orElseThrow();
                int[] ids = row.ids();
                assertThat(ids.length).isLessThanOrEqualTo(golden.cutoff());
                assertThat(Arrays.copyOfRange(ids, ids.length - opening.length, ids.length))
                        .as("the answer is opened, however short the prompt")
                        .isEqualTo(opening);
                int[] expected = GoldenRows.ints(golden.rows().get(i).path("input_ids"));
                int[] whole = new ChatRows(encoder, RowOptions.of(Integer.MAX_VALUE))
                        .prompt(prompt, Optional.empty())
                        .row()
                        .orElseThrow()
                        .ids();
                if (spellsMarkers(prompt, tokenizer)) {
                    assertThat(tokenizer.decode(ids, false)).isEqualTo(tokenizer.decode(expected, false));
                } else if (whole.length <= golden.cutoff() && expected.length == whole.length) {
                    assertThat(ids).as("prompt " + (i + 1)).isEqualTo(expected);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("packing")
    void packedRowsHoldTheSameDocuments(String name) throws IOException {
        GoldenRows golden = read(name);
        try (Tokenizer tokenizer = golden.tokenizer(scratch)) {
            ChatRows rows = new ChatRows(golden.encoder(tokenizer), RowOptions.of(golden.cutoff()));
            List<TrainingRow> documents = new ArrayList<>();
            golden.examples(Conversation.class)
                    .forEach(c -> rows.conversation(c).row().ifPresent(documents::add));
            List<TrainingRow> packed = Knapsack.pack(documents, golden.cutoff());
            assertThat(packed.size()).isGreaterThanOrEqualTo(golden.rows().size());
            for (int i = 0; i < golden.rows().size(); i++) {
                JsonNode expected = golden.rows().get(i);
                TrainingRow row = packed.get(i);
                int[] ids = Arrays.copyOf(GoldenRows.ints(expected.path("input_ids")), row.ids().length);
                assertThat(row.ids()).as(name + ", ids of row " + (i + 1)).isEqualTo(ids);
                Ids labels = withoutLineBreaks(
                        new Ids(ids, Arrays.copyOf(GoldenRows.ints(expected.path("labels")), ids.length)), tokenizer);
                assertThat(row.labels()).as(name + ", row " + (i + 1)).isEqualTo(labels.labels());
                if (golden.flag("neat_packing")) {
                    assertThat(documentNumbers(row))
                            .isEqualTo(Arrays.copyOf(GoldenRows.ints(expected.path("attention_mask")), ids.length));
                }
            }
        }
    }

    private static int[] documentNumbers(TrainingRow row) {
        int[] numbers = new int[row.ids().length];
        int at = 0;
        for (int document = 0; document < row.lengths().length; document++) {
            Arrays.fill(numbers, at, at + row.lengths()[document], document + 1);
            at += row.lengths()[document];
        }
        return numbers;
    }

    @ParameterizedTest
    @MethodSource("pt")
    void textsAreLlamaFactorysBlocks(String name) throws IOException {
        GoldenRows golden = read(name);
        try (Tokenizer tokenizer = golden.tokenizer(scratch)) {
            TextBlocks blocks = new TextBlocks(tokenizer, golden.cutoff(), golden.flag("packing"));
            List<TrainingRow> rows = new ArrayList<>();
            for (TextExample text : golden.examples(TextExample.class)) {
                List<TrainingRow> of = blocks.add(blocks.tokens(text.text()));
                // Difference 7: an unpacked document that is too long goes on in the next row.
                rows.addAll(golden.flag("packing") || of.isEmpty() ? of : of.subList(0, 1));
            }
            assertThat(rows).hasSizeGreaterThanOrEqualTo(golden.rows().size());
            for (int i = 0; i < golden.rows().size(); i++) {
                assertThat(rows.get(i).ids())
                        .as(name + ", row " + (i + 1))
                        .isEqualTo(GoldenRows.ints(golden.rows().get(i).path("input_ids")));
            }
        }
    }

    @Test
    void everyGoldenFileIsComparedOrRefusedOnPurpose() throws IOException {
        List<String> all = GoldenRows.names();
        Assumptions.assumeFalse(all.isEmpty(), "Skipped: no golden rows at " + GoldenRows.FOLDER);
        // Difference 8: pt on instructions would train the questions alone, so such files are refused.
        Set<String> refused = Set.of("pt-own-smollm2");
        assertThatThrownBy(() -> read("pt-own-smollm2").examples(TextExample.class))
                .isInstanceOf(DatasetException.class)
                .hasMessageContaining("expected plain texts, found conversations");
        List<String> compared = Stream.of(sft(), rm(), ppo(), packing(), pt(), Stream.of("kto-qwen"))
                .flatMap(s -> s)
                .toList();
        assertThat(all).allMatch(name -> compared.contains(name) || refused.contains(name));
    }
}
