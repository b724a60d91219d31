package dev.lingyu.dataset;

import static dev.lingyu.dataset.Reading.examples;
import static dev.lingyu.dataset.Reading.file;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Names, policies, bounds and what is reported.
class DatasetsTest {
    @TempDir
    Path folder;

    private DatasetSpec spec(String names) {
        return DatasetSpec.of(names).withFolder(folder);
    }

    private void info(String json) throws IOException {
        file(folder, "dataset_info.json", json);
    }

    private String refused(String names) {
        return Refusals.messageOf(() -> examples(spec(names), Example.class));
    }

    @Test
    void severalDatasetsFollowEachOther() throws IOException {
        info("{\"one\":{\"file_name\":\"sub/1.jsonl\",\"columns\":{\"prompt\":\"content\"}}}");
        Files.createDirectory(folder.resolve("sub"));
        file(folder, "sub/1.jsonl", "{\"content\":\"a\"}");
        file(folder, "2.txt", "b");
        Path third = file(folder, "3.txt", "c");
        assertThat(examples(spec("one, 2.txt," + third), Example.class))
                .containsExactly(TextExample.of("a"), TextExample.of("b"), TextExample.of("c"));
    }

    @Test
    void namesThatAreNowhereAreToldWithTheNearestOne() throws IOException {
        info("{\"alpaca_zh_demo\":{\"file_name\":\"alpaca.json\"}}");
        file(folder, "alpaca_zh.json", "[]");
        assertThat(refused("alpaca_zh_dmo"))
                .contains("dataset \"alpaca_zh_dmo\" is neither named in", "Did you mean \"alpaca_zh_demo\"?");
        assertThat(refused("alpaca_zh_demo"))
                .contains("alpaca.json: there is no such file", "Did you mean " + folder.resolve("alpaca_zh.json"));
        assertThat(refused("alpaca_zn.json")).contains("Did you mean " + folder.resolve("alpaca_zh.json"));
        assertThat(refused(" , ")).contains("no dataset is named");
    }

    @Test
    void defaultColumnsHoldOnlyWhileNoneIsNamed() throws IOException {
        file(folder, "d.json", "[{\"instruction\":\"q\",\"input\":\"i\",\"output\":\"a\",\"system\":\"s\"}]");
        info("{\"plain\":{\"file_name\":\"d.json\"},"
                + "\"named\":{\"file_name\":\"d.json\",\"columns\":{\"prompt\":\"instruction\",\"response\":\"output\"}},"
                + "\"half\":{\"file_name\":\"d.json\",\"columns\":{\"response\":\"output\"}}}");
        assertThat(examples(spec("plain"), Example.class))
                .containsExactly(Conversation.of(Message.user("q\ni"), Message.assistant("a")));
        assertThat(examples(spec("named"), Example.class))
                .containsExactly(Conversation.of(Message.user("q"), Message.assistant("a")));
        assertThat(refused("half")).contains("columns names no prompt");
    }

    @Test
    void defaultTagsHoldOnlyWhileNoneIsNamed() throws IOException {
        String turns = "[{\"t\":[{\"who\":\"U\",\"what\":\"q\"},{\"who\":\"F\",\"what\":\"{}\"},"
                + "{\"who\":\"O\",\"what\":\"r\"},{\"who\":\"A\",\"what\":\"a\"}]}]";
        file(folder, "d.json", turns);
        String entry =
                "\"file_name\":\"d.json\",\"formatting\":\"sharegpt\",\"columns\":{\"messages\":\"t\"},\"tags\":";
        String sides = "\"role_tag\":\"who\",\"content_tag\":\"what\",\"user_tag\":\"U\",\"assistant_tag\":\"A\"";
        info("{\"all\":{" + entry + "{" + sides + ",\"observation_tag\":\"O\",\"function_tag\":\"F\"}}," + "\"sides\":{"
                + entry + "{" + sides + "}},\"none\":{" + entry + "{\"role_tag\":\"who\"}}}");
        assertThat(examples(spec("all"), Example.class))
                .containsExactly(Conversation.of(
                        Message.user("q"), Message.toolCall("{}"), Message.observation("r"), Message.assistant("a")));
        assertThat(refused("sides")).contains("none of its 1 rows can be used", "nobody called \"F\" is known");
        assertThat(refused("none")).contains("tags needs role_tag, content_tag, user_tag and assistant_tag");
    }

    @Test
    void slipsInDatasetInfoAreErrorsAndOtherKeysNotices() throws IOException {
        file(folder, "d.txt", "a");
        info("{\"slip\":{\"file_name\":\"d.txt\",\"format\":\"sharegpt\"},"
                + "\"extra\":{\"file_name\":\"d.txt\",\"license\":\"MIT\",\"subset\":\"zh\",\"columns\":{\"prompt\":\"text\"}},"
                + "\"kind\":{\"file_name\":\"d.txt\",\"formatting\":\"xml\"},"
                + "\"script\":{\"script_url\":\"x\"},\"nothing\":{},\"list\":[],\"many\":{\"file_name\":\"d.txt\","
                + "\"num_samples\":\"3\"}}");
        assertThat(refused("slip"))
                .contains("dataset_info.json: dataset \"slip\": there is no key \"format\"", "mean \"formatting\"?");
        assertThat(refused("kind")).contains("formatting is alpaca, sharegpt or openai, not \"xml\"");
        assertThat(refused("script")).contains("script_url \"x\"", "nothing is downloaded here");
        assertThat(refused("nothing")).contains("expected a file_name");
        assertThat(refused("list")).contains("expected an object");
        assertThat(refused("many")).contains("num_samples is a whole number from 1, not \"3\"");
        try (ExampleStream<Example> stream = Datasets.open(spec("extra"))) {
            assertThat(stream.stream()).hasSize(1);
            assertThat(stream.reports().getFirst().notices())
                    .containsExactly(
                            "dataset \"extra\": the key \"license\" has no effect",
                            "dataset \"extra\": subset has no effect on local files");
        }
        info("{\"a\":");
        assertThat(refused("a")).contains("dataset_info.json: not valid JSON at line 1");
    }

    @Test
    void samplesAreCountedAndComeAgainWhereThereAreTooFew() throws IOException {
        file(folder, "d.txt", "a\nb\nc");
        String text = "\"file_name\":\"d.txt\",\"columns\":{\"prompt\":\"text\"}";
        info("{\"few\":{" + text + ",\"num_samples\":2},\"many\":{" + text + ",\"num_samples\":5}}");
        assertThat(texts(spec("few"))).containsExactly("a", "b");
        assertThat(texts(spec("many"))).containsExactly("a", "b", "c", "a", "b");
        assertThat(texts(spec("many").withMaxSamples(4))).containsExactly("a", "b", "c", "a");
        assertThat(texts(spec("few,many").withMaxSamples(1))).containsExactly("a", "a");
        try (ExampleStream<Example> stream = Datasets.open(spec("many"))) {
            stream.forEachRemaining(row -> {});
            assertThat(stream.reports().getFirst().sentence()).isEqualTo("many: 3 examples from 3 rows");
        }
    }

    private static List<String> texts(DatasetSpec spec) {
        return examples(spec, TextExample.class).stream().map(TextExample::text).toList();
    }

    @Test
    void badRowsGoToQuarantineWithTheirReasonAndText() throws IOException {
        Path data = file(
                folder, "d.jsonl", "{\"text\":\"a\"}\n{\"text\":1}\noops\n{\"text\":\"b\"}\n{\"conversations\":[]}\n");
        Path quarantine = folder.resolve("q");
        DatasetSpec skipping = spec("d.jsonl").withBadRows(BadRows.SKIP).withQuarantine(quarantine);
        ExampleStream<Example> stream = Datasets.open(skipping);
        assertThat(stream.stream().map(row -> row.source().row()).toList()).containsExactly(1L, 4L);
        stream.close();
        ReadReport report = stream.reports().getFirst();
        assertThat(report.rows()).isEqualTo(5);
        assertThat(report.examples()).isEqualTo(2);
        assertThat(report.skipped()).isEqualTo(3);
        assertThat(report.sentence())
                .contains("3 left out: 3 bad, 0 unusable (first: " + data + ", row 2: field \"text\"");

        Path file = report.quarantine().orElseThrow();
        assertThat(file).isEqualTo(quarantine.resolve("d.jsonl.quarantine.jsonl"));
        List<String> lines = Files.readAllLines(file);
        assertThat(lines).hasSize(3);
        JsonNode second = new JsonMapper().readTree(lines.get(1));
        assertThat(second.get("file").asText()).isEqualTo(data.toString());
        assertThat(second.get("row").asInt()).isEqualTo(3);
        assertThat(second.get("reason").asText()).startsWith("not valid JSON");
        assertThat(second.get("raw").asText()).isEqualTo("oops");
        try (Stream<Path> left = Files.list(quarantine)) {
            assertThat(left).containsExactly(file);
        }
    }

    @Test
    void aFailureIsToldAgainToWhoeverAsksAgain() throws IOException {
        file(folder, "d.json", "[{\"text\":\"a\"}, oops, {\"text\":\"b\"}]");
        try (ExampleStream<Example> stream = Datasets.open(spec("d.json").withBadRows(BadRows.SKIP))) {
            assertThat(stream.next().example()).isEqualTo(TextExample.of("a"));
            assertThatThrownBy(stream::hasNext).isInstanceOf(DatasetException.class);
            assertThatThrownBy(stream::hasNext).hasMessageContaining("row 2");
        }
    }

    @Test
    void whatIsWrittenAppearsWholeOrNotAtAll() throws IOException {
        Path target = folder.resolve("out/new.jsonl");
        List<Example> shapes = List.of(
                PromptExample.of("问"),
                new PromptExample(Conversation.of(Message.user("a"), Message.assistant("b"), Message.user("c"))
                        .withSystem("s")
                        .withTools("[{}]")));
        try (ExampleWriter out = ExampleWriter.create(target)) {
            out.write(shapes.getFirst());
        }
        try (Stream<Path> left = Files.list(target.getParent())) {
            assertThat(left).isEmpty();
        }
        try (ExampleWriter out = ExampleWriter.create(target)) {
            shapes.forEach(out::write);
            out.commit();
            assertThat(out.rows()).isEqualTo(2);
        }
        assertThat(examples(target)).isEqualTo(shapes);
        try (Stream<Path> left = Files.list(target.getParent())) {
            assertThat(left).containsExactly(target);
        }
    }
}
