package dev.lingyu.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Public data files as they are found in the wild; skipped where they are not on the machine.
class SharedDataTest {
    private static Path data(String name) {
        Path path = Path.of(System.getProperty("lingyu.shared", "../shared"), "data", name);
        assumeTrue(Files.exists(path), () -> "no public data at " + path);
        return path;
    }

    @ParameterizedTest
    @CsvSource({
        "llama_factory/alpaca_zh_demo.json,        Conversation,    1000, 0",
        "llama_factory/identity.json,              Conversation,      91, 0",
        "llama_factory/glaive_toolcall_zh_demo.json, Conversation,   300, 0",
        "llama_factory/dpo_zh_demo.json,           PreferencePair,   300, 0",
        "llama_factory/dpo_en_demo.json,           PreferencePair,   300, 0",
        "llama_factory/kto_en_demo.json,           LabelledExample,  300, 0",
        "llama_factory/c4_demo.jsonl,              TextExample,      300, 0",
        "sft/medical_sft_1K.jsonl,                 Conversation,    1000, 0",
        "sft/sharegpt_zh_1K.jsonl,                 Conversation,    1000, 7",
        "sft/oasst_sft_zh.json,                    Conversation,     689, 0",
        "preference/medical_dpo_zh_500.jsonl,      PreferencePair,   500, 0",
        "preference/oasst_rm_zh.json,              PreferencePair,   775, 0",
        "preference/hh_harmless_test.jsonl.gz,     PreferencePair,  2312, 9",
        "corpus/medical_fever_textbook.txt,        TextExample,      985, 0",
        "corpus/wiki_demo_en.txt,                  TextExample,       30, 0",
    })
    void everyFileLoadsByItsPathAlone(String name, String shape, long rows, long unusable) {
        Path path = data(name);
        try (ExampleStream<Example> stream = Datasets.open(DatasetSpec.of(path))) {
            List<Row<Example>> read = stream.stream().toList();
            ReadReport report = stream.reports().getFirst();

            assertThat(read)
                    .allSatisfy(row ->
                            assertThat(row.example().getClass().getSimpleName()).isEqualTo(shape));
            assertThat(report.rows()).isEqualTo(rows);
            assertThat(report.unusable()).as(report.sentence()).isEqualTo(unusable);
            assertThat(read).hasSize((int) (rows - unusable));
            assertThat(report.notices()).singleElement().asString().contains("judged by its first row");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "identity,                91",
        "alpaca_zh_demo,        1000",
        "glaive_toolcall_zh_demo, 300",
        "dpo_zh_demo,            300",
        "dpo_en_demo,            300",
        "kto_en_demo,            300",
        "c4_demo,                300",
    })
    void theSameFilesLoadByTheirNamesInDatasetInfo(String name, long rows) {
        Path folder = data("llama_factory");
        Path file = folder.resolve(name + (name.equals("c4_demo") ? ".jsonl" : ".json"));
        DatasetSpec spec = DatasetSpec.of(name).withFolder(folder);
        try (ExampleStream<Example> named = Datasets.open(spec);
                ExampleStream<Example> judged = Datasets.open(DatasetSpec.of(file))) {
            List<Row<Example>> rowsByName = named.stream().toList();

            assertThat(rowsByName).hasSize((int) rows);
            assertThat(rowsByName).isEqualTo(judged.stream().toList());
            assertThat(named.reports().getFirst().notices()).isEmpty();
        }
    }

    @Test
    void earlierTurnsAndSystemPromptsArriveWhereTheyBelong() {
        Conversation withHistory = first(data("sft/oasst_sft_zh.json"), Conversation.class, 690).stream()
                .filter(conversation -> conversation.messages().size() > 2)
                .findFirst()
                .orElseThrow();
        assertThat(withHistory.irregularity()).isEmpty();
        assertThat(withHistory.endsWithAnswer()).isTrue();

        List<PreferencePair> pairs = first(data("llama_factory/dpo_zh_demo.json"), PreferencePair.class, 300);
        assertThat(pairs.stream().filter(pair -> pair.prompt().system().isPresent()))
                .hasSize(64);

        List<Conversation> tools = first(data("llama_factory/glaive_toolcall_zh_demo.json"), Conversation.class, 300);
        assertThat(tools.getFirst().tools())
                .hasValueSatisfying(json -> assertThat(json).contains("generate_invoice"));
        assertThat(tools.getFirst().messages().stream().map(Message::role))
                .startsWith(Role.USER, Role.TOOL_CALL, Role.OBSERVATION, Role.ASSISTANT);
    }

    @Test
    void datasetsOfTheHubAreRefusedInWords() {
        Path folder = data("llama_factory");
        DatasetInfo info = DatasetInfo.in(folder).orElseThrow();
        assertThat(info.names()).contains("alpaca_en", "identity");
        assertThat(Refusals.messageOf(() -> info.entry("alpaca_en")))
                .contains("hf_hub_url \"llamafactory/alpaca_en\"", "nothing is downloaded", "file_name");
        assertThat(Refusals.messageOf(() -> info.entry("mllm_demo"))).contains("images", "only text");
    }

    @Test
    void whatIsWrittenIsReadBackTheSame(@TempDir Path folder) {
        for (String name : List.of(
                "llama_factory/glaive_toolcall_zh_demo.json",
                "llama_factory/dpo_zh_demo.json",
                "llama_factory/kto_en_demo.json",
                "llama_factory/c4_demo.jsonl")) {
            List<Example> examples = first(data(name), Example.class, 400);
            Path copy = folder.resolve("copy.jsonl");
            try (ExampleWriter out = ExampleWriter.create(copy)) {
                examples.forEach(out::write);
                out.commit();
            }
            assertThat(first(copy, Example.class, 400)).isEqualTo(examples);
        }
    }

    private static <E extends Example> List<E> first(Path path, Class<E> shape, int count) {
        try (ExampleStream<E> stream = Datasets.open(DatasetSpec.of(path), shape)) {
            return stream.stream().limit(count).map(Row::example).toList();
        }
    }
}
