package dev.lingyu.dataset;

import static dev.lingyu.dataset.Reading.examples;
import static dev.lingyu.dataset.Reading.file;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Kinds of files, and every way in which one can be broken.
class FilesTest {
    private static final String GOOD = "{\"text\":\"好\"}\n";

    @TempDir
    Path folder;

    private String told(String name, String content) throws IOException {
        return told(file(folder, name, content));
    }

    private static String told(Path path) {
        return Refusals.messageOf(() -> examples(path));
    }

    private static byte[] gzip(String content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private static List<Example> texts(String... texts) {
        return Arrays.stream(texts).<Example>map(TextExample::of).toList();
    }

    @Test
    void theContentDecidesBetweenAListAndLines() throws IOException {
        List<Example> two = texts("a", "b");
        String list = " \n[{\"text\":\"a\"},\n {\"text\":\"b\"}]\n";
        String lines = "{\"text\":\"a\"}\n\n{\"text\":\"b\"}";
        String spread = "{\n \"text\":\"a\"}\n{\n\"text\":\n\"b\"}";
        assertThat(examples(file(folder, "list.json", list))).isEqualTo(two);
        assertThat(examples(file(folder, "list.jsonl", list))).isEqualTo(two);
        assertThat(examples(file(folder, "lines.json", lines))).isEqualTo(two);
        assertThat(examples(file(folder, "lines.jsonl", lines))).isEqualTo(two);
        assertThat(examples(file(folder, "spread.json", spread))).isEqualTo(two);
    }

    @Test
    void everyRowKnowsWhereItWasRead() throws IOException {
        Path lines = file(folder, "lines.jsonl", "\n" + GOOD + "\r\n" + GOOD);
        try (ExampleStream<Example> stream = Datasets.open(DatasetSpec.of(lines))) {
            assertThat(stream.stream().map(Row::source)).containsExactly(new Source(lines, 2), new Source(lines, 4));
        }
    }

    @Test
    void plainTextIsOneRowForEachLineUnlessToldOtherwise() throws IOException {
        DatasetSpec spec = DatasetSpec.of(file(folder, "book.txt", "一\n二\r\n\n \n三\n"));
        assertThat(examples(spec, Example.class)).isEqualTo(texts("一", "二", "三"));
        assertThat(examples(spec.withTextRows(TextRows.PARAGRAPH), Example.class))
                .isEqualTo(texts("一\n二", "三"));
        assertThat(examples(spec.withTextRows(TextRows.FILE), Example.class)).isEqualTo(texts("一\n二\n\n \n三"));
    }

    @Test
    void aByteOrderMarkIsPassedOver() throws IOException {
        for (String name : List.of("a.jsonl", "a.json", "a.txt")) {
            String content = name.endsWith("txt") ? "好" : name.endsWith("l") ? GOOD : "[" + GOOD + "]";
            assertThat(examples(file(folder, name, "\uFEFF" + content))).isEqualTo(texts("好"));
        }
    }

    @Test
    void packedFilesReadAsPlainOnes() throws IOException {
        Path gz = Files.write(folder.resolve("a.jsonl.gz"), gzip(GOOD + GOOD));
        assertThat(examples(gz)).isEqualTo(texts("好", "好"));

        Path zip = folder.resolve("all.zip");
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip), Charset.forName("GB18030"))) {
            pack(out, "数据/二.txt", "二".getBytes(StandardCharsets.UTF_8));
            pack(out, "__MACOSX/._x.json", new byte[] {1});
            pack(out, "read.me", new byte[] {1});
            pack(out, "一.jsonl.gz", gzip("{\"text\":\"一\"}"));
        }
        try (ExampleStream<Example> stream = Datasets.open(DatasetSpec.of(zip))) {
            List<Row<Example>> rows = stream.stream().toList();
            assertThat(rows.stream().map(Row::example))
                    .containsExactlyInAnyOrder(TextExample.of("一"), TextExample.of("二"));
            assertThat(rows.stream().map(row -> row.source().toString()))
                    .contains(folder.resolve("all.zip!/数据/二.txt") + ", row 1");
            assertThat(stream.reports().getFirst().notices())
                    .anyMatch(notice -> notice.contains("read.me is left out"));
        }
    }

    private static void pack(ZipOutputStream out, String name, byte[] content) throws IOException {
        out.putNextEntry(new ZipEntry(name));
        out.write(content);
        out.closeEntry();
    }

    @Test
    void aFolderIsItsReadableFilesInTheOrderOfTheirNames() throws IOException {
        file(folder, "2.jsonl", "{\"text\":\"c\"}");
        file(folder, "1.json", "[{\"text\":\"a\"}]");
        file(folder, "10.txt", "b");
        file(folder, "notes.md", "x");
        file(folder, "x.quarantine.jsonl", "{}");
        file(folder, "dataset_info.json", "{}");
        assertThat(examples(folder)).isEqualTo(texts("a", "b", "c"));
    }

    @Test
    void malformedJsonIsToldWithRowAndColumn() throws IOException {
        assertThat(told("a.jsonl", GOOD + GOOD + "{\"text\": oops}"))
                .contains("a.jsonl, row 3: not valid JSON at column 10", "on_bad_row: skip");
        assertThat(told("a.jsonl", GOOD + GOOD.strip() + GOOD)).contains("row 2: not valid JSON");
        assertThat(told("a.json", "[" + GOOD + "," + GOOD + ",{\"text\":}]"))
                .contains("a.json, row 3: not valid JSON at line 3, column 10");
        assertThat(told("a.json", "[" + GOOD + "] x")).contains("row 2", "not valid JSON at line 2");
        assertThat(told("a.json", "[" + GOOD + "] {}")).contains("row 2", "behind the end of the list");
    }

    @Test
    void aListThatIsCutOffIsToldAtItsLastRow() throws IOException {
        assertThat(told("a.json", "[" + GOOD + ",{\"text\":\"ab")).contains("a.json, row 2: not valid JSON");
        assertThat(told("a.json", "[" + GOOD)).contains("a.json, row 2: ");
    }

    @Test
    void missingAndWrongFieldsAreNamed() throws IOException {
        String good = "{\"instruction\":\"q\",\"output\":\"a\"}\n";
        Path path = file(folder, "train.jsonl", good + "{\"instruction\":\"q\",\"output\":42}");
        DatasetException refusal = Refusals.of(() -> examples(path));
        assertThat(refusal)
                .hasMessage(path + ", row 2, field \"output\": expected a string, found a number (42). Fix the row, or"
                        + " drop it with on_bad_row: skip.");
        assertThat(refusal.file()).contains(path);
        assertThat(refusal.row()).hasValue(2);
        assertThat(refusal.field()).contains("output");

        assertThat(told("a.jsonl", good + "{\"instruction\":\"q\",\"answer\":\"a\"}"))
                .contains("row 2, field \"output\": expected a string, but the field is missing; the row has the fields"
                        + " instruction, answer");
        assertThat(told("a.jsonl", good + "[1,2]")).contains("row 2: expected an object {…}, found a list of 2");
        assertThat(told("a.jsonl", good + "{\"instruction\":\"q\",\"output\":[]}"))
                .contains("field \"output\": expected a string, found an empty list");
        assertThat(told("a.jsonl", "{\"conversations\":[{\"from\":\"human\"}]}"))
                .contains("field \"conversations[0].value\": expected a string, but the field is missing");
        assertThat(told("a.jsonl", good.replace("}", ",\"history\":[[\"a\"]]}")))
                .contains("field \"history[0]\": expected a list of a question and its answer, found a list of 1");
    }

    @Test
    void filesWithoutRowsAreRefused() throws IOException {
        for (String name : List.of("a.jsonl", "a.json", "a.txt")) {
            assertThat(told(name, "")).contains(name + ": there are no rows in it");
            assertThat(told(name, " \n \n")).contains(name + ": there are no rows in it");
        }
        assertThat(told("b.json", "[]")).contains("there are no rows in it");
        assertThat(told(Files.createDirectory(folder.resolve("empty")))).contains("the folder holds no .jsonl");
    }

    @Test
    void aMissingFileIsToldWithTheNearestName() throws IOException {
        Path there = file(folder, "train_data.jsonl", GOOD);
        assertThat(told(folder.resolve("train_dta.jsonl")))
                .contains("train_dta.jsonl: there is no such file. Did you mean " + there + "?");
        assertThat(told(folder.resolve("nowhere").resolve("x.jsonl"))).contains("Its folder is not there either");
    }

    @Test
    void kindsOfFilesThatCantBeReadAreToldApart() throws IOException {
        assertThat(told("a.xlsx", "PK")).contains("ends in .xlsx", ".jsonl, .json, .txt", ".parquet");
    }

    @Test
    void aPackedFileThatIsCutOffIsToldAtTheRowWhereItEnds() throws IOException {
        byte[] whole = gzip(GOOD.repeat(20_000));
        Path cut = Files.write(folder.resolve("a.jsonl.gz"), Arrays.copyOf(whole, whole.length * 2 / 3));
        DatasetException refusal = Refusals.of(() -> examples(cut));
        assertThat(refusal).hasMessageContaining("the compressed file ends too early");
        assertThat(refusal.row().getAsLong()).isGreaterThan(1000);
        assertThat(told(file(folder, "no.jsonl.gz", GOOD))).contains("row 1: the compressed file is damaged");
        assertThat(told(file(folder, "no.zip", GOOD))).contains("not a whole .zip archive");
    }

    @Test
    void bytesThatAreNotUtf8AreToldWithTheirRow() throws IOException {
        byte[] gbk = "{\"text\":\"传染病\"}\n".getBytes(Charset.forName("GB18030"));
        for (String name : List.of("a.jsonl", "a.json", "a.txt")) {
            boolean list = name.equals("a.json");
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            bytes.writeBytes(((list ? "[" : "") + GOOD + (list ? "," : "")).getBytes(StandardCharsets.UTF_8));
            bytes.writeBytes(gbk);
            bytes.writeBytes((list ? "]" : "").getBytes(StandardCharsets.UTF_8));
            assertThat(told(Files.write(folder.resolve(name), bytes.toByteArray())))
                    .contains(name + ", row 2: the bytes are not valid UTF-8", "iconv -f GB18030");
        }
        Path utf16 = Files.write(folder.resolve("b.jsonl"), ("\uFEFF" + GOOD).getBytes(StandardCharsets.UTF_16LE));
        assertThat(told(utf16)).contains("the file is UTF-16");
    }

    @Test
    void aRowLongerThanTheLimitIsRefusedAndTheNextOneStillRead() throws IOException {
        String huge = "{\"text\":\"" + "长".repeat(50_000) + "\"}";
        Path lines = file(folder, "a.jsonl", GOOD + huge + "\n" + GOOD);
        DatasetSpec spec = DatasetSpec.of(lines).withMaxRowBytes(100_000);
        assertThat(Refusals.messageOf(() -> examples(spec, Example.class)))
                .contains("a.jsonl, row 2: the row is longer than 100000 bytes", "max_row_bytes");
        assertThat(examples(spec.withBadRows(BadRows.SKIP), Example.class)).isEqualTo(texts("好", "好"));

        DatasetSpec list = DatasetSpec.of(file(folder, "a.json", "[" + GOOD + "," + huge + "]"));
        assertThat(examples(list, Example.class)).hasSize(2);
        assertThat(Refusals.messageOf(() -> examples(list.withMaxRowBytes(20_000), Example.class)))
                .contains("a.json, row 2: the row is longer than");
    }
}
