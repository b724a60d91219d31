package dev.lingyu.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/// Whatever is in a file, reading it gives complete examples or a [DatasetException], and nothing else.
class ForeignBytesTest {
    private static final List<String> SEEDS = List.of(
            "{\"instruction\":\"q\",\"input\":\"\",\"output\":\"a\",\"history\":[[\"a\",\"b\"]]}\n",
            "[{\"conversations\":[{\"from\":\"human\",\"value\":\"传染病\"},{\"from\":\"gpt\",\"value\":\"a\"}]}]",
            "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"q\"}]},{\"role\":\"assistant\","
                    + "\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}],\"label\":true}\n",
            "{\"prompt\":\"q\",\"chosen\":\"\\ud83d\\ude00\",\"rejected\":\"b\"}\n",
            "{\"chosen\":\"\\n\\nHuman: q\\n\\nAssistant: a\",\"rejected\":\"\\n\\nHuman: q\\n\\nAssistant: b\"}\n",
            "[\n{\"instruction\":\"q\",\"output\":[\"a\",\"b\"]},\n{\"text\":1e999}]");
    private static Path folder = Path.of("");

    @BeforeContainer
    static void makeFolder() throws IOException {
        folder = Files.createTempDirectory("foreign");
    }

    @AfterContainer
    static void removeFolder() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    @Provide
    Arbitrary<byte[]> foreign() {
        Arbitrary<byte[]> random = Arbitraries.bytes().array(byte[].class).ofMaxSize(200);
        Arbitrary<byte[]> ascii = Arbitraries.strings()
                .withChars("{}[]\",:\\u0 1\n\rtextq")
                .ofMaxLength(120)
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
        return Arbitraries.oneOf(random, ascii, damaged());
    }

    /// A good file with some bytes overwritten, and often cut.
    private static Arbitrary<byte[]> damaged() {
        Arbitrary<byte[]> seeds = Combinators.combine(
                        Arbitraries.of(SEEDS), Arbitraries.integers().between(1, 3))
                .as((seed, times) -> seed.repeat(times).getBytes(StandardCharsets.UTF_8));
        Arbitrary<List<Integer>> places =
                Arbitraries.integers().between(0, 10_000).list().ofMaxSize(3);
        Arbitrary<Byte> bytes = Arbitraries.oneOf(
                Arbitraries.bytes(),
                Arbitraries.of("{}[]\":,0n\n\\".chars().mapToObj(c -> (byte) c).toList()));
        return Combinators.combine(seeds, places, bytes, Arbitraries.integers().between(0, 1_000))
                .as((seed, at, value, cut) -> {
                    byte[] copy = cut < seed.length ? Arrays.copyOf(seed, cut) : seed.clone();
                    for (int place : at) {
                        if (copy.length > 0) {
                            copy[place % copy.length] = value;
                        }
                    }
                    return copy;
                });
    }

    @Property(tries = 600)
    void bytesOfAnyKindEndInExamplesOrADatasetException(
            @ForAll("foreign") byte[] bytes,
            @ForAll("names") String name,
            @ForAll BadRows policy,
            @ForAll TextRows unit)
            throws IOException {
        Path file = Files.write(folder.resolve(name), bytes);
        read(DatasetSpec.of(file).withBadRows(policy).withTextRows(unit));
    }

    @Provide
    Arbitrary<String> names() {
        return Arbitraries.of("a.json", "a.jsonl", "a.txt", "a.json.gz", "a.zip");
    }

    @Property(tries = 200)
    void damagedArchivesEndInExamplesOrADatasetException(
            @ForAll("foreign") byte[] bytes, @ForAll boolean zip, @ForAll int place, @ForAll byte value)
            throws IOException {
        byte[] packed = zip ? zip(bytes) : gzip(bytes);
        packed[Math.floorMod(place, packed.length)] = value;
        Path file = Files.write(folder.resolve(zip ? "b.zip" : "b.jsonl.gz"), packed);
        read(DatasetSpec.of(file).withBadRows(BadRows.SKIP));
    }

    @Property(tries = 1000)
    void validJsonOfAnyShapeEndsInExamplesOrADatasetException(
            @ForAll("rows") String seed,
            @ForAll @IntRange(max = 200) int place,
            @ForAll("values") String value,
            @ForAll BadRows policy)
            throws IOException {
        Path file = Files.writeString(folder.resolve("c.jsonl"), seed + "\n" + replaced(seed, place, value) + "\n");
        read(DatasetSpec.of(file).withBadRows(policy));
        Files.writeString(file, replaced(seed, place, value));
        read(DatasetSpec.of(file).withBadRows(policy));
    }

    @Provide
    Arbitrary<String> rows() {
        return Arbitraries.of(SEEDS.stream()
                .filter(seed -> seed.startsWith("{"))
                .map(String::strip)
                .toList());
    }

    @Provide
    Arbitrary<String> values() {
        return Arbitraries.of(
                "null",
                "[]",
                "{}",
                "\"\"",
                "\"x\\u0000\"",
                "\"\\udc00\"",
                "-1",
                "1e400",
                "true",
                "[1]",
                "[[]]",
                "[{}]",
                "[null,\"a\"]",
                "[\"a\"]",
                "{\"role\":\"user\"}",
                "{\"from\":1}",
                "\"\\n\\nHuman:\"");
    }

    @Property(tries = 1000)
    void datasetInfoOfAnyShapeEndsInAnEntryOrADatasetException(
            @ForAll @IntRange(max = 20) int place, @ForAll("values") String value) throws IOException {
        String info =
                "{\"a\":{\"file_name\":\"x.json\",\"formatting\":\"sharegpt\",\"ranking\":false,\"num_samples\":3,"
                        + "\"columns\":{\"messages\":\"m\"},\"tags\":{\"role_tag\":\"r\",\"content_tag\":\"c\","
                        + "\"user_tag\":\"u\",\"assistant_tag\":\"g\"}}}";
        Files.writeString(folder.resolve("dataset_info.json"), replaced(info, place, value));
        try {
            Datasets.find(DatasetSpec.of("a").withFolder(folder));
        } catch (DatasetException refusal) {
            assertThat(refusal.getMessage()).isNotBlank();
        }
    }

    /// The JSON text with one of its values, counted in the order of the text, replaced by another.
    private static String replaced(String json, int place, String value) throws IOException {
        JsonMapper mapper =
                JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
        JsonNode root = mapper.readTree(json);
        List<Consumer<JsonNode>> places = new ArrayList<>();
        collect(root, places);
        places.get(place % places.size()).accept(mapper.readTree(value));
        return mapper.writeValueAsString(root);
    }

    private static void collect(JsonNode node, List<Consumer<JsonNode>> places) {
        if (node instanceof ObjectNode object) {
            for (String name : object.propertyStream().map(Map.Entry::getKey).toList()) {
                places.add(value -> object.set(name, value));
                collect(object.get(name), places);
            }
        } else if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                int index = i;
                places.add(value -> array.set(index, value));
                collect(array.get(i), places);
            }
        }
    }

    private static void read(DatasetSpec spec) {
        try (ExampleStream<Example> stream = Datasets.open(spec)) {
            stream.forEachRemaining(row -> {
                assertThat(row.source().row()).isPositive();
                if (row.example() instanceof Conversation conversation) {
                    assertThat(conversation.irregularity()).isEmpty();
                    assertThat(conversation.endsWithAnswer()).isTrue();
                }
            });
            ReadReport report = stream.reports().getFirst();
            assertThat(report.rows()).isEqualTo(report.examples() + report.skipped() + report.unusable());
        } catch (DatasetException refusal) {
            assertThat(refusal.getMessage()).isNotBlank();
        }
    }

    private static byte[] gzip(byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(content);
        }
        return bytes.toByteArray();
    }

    private static byte[] zip(byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.putNextEntry(new ZipEntry("x/a.jsonl"));
            zip.write(content);
            zip.closeEntry();
        }
        return bytes.toByteArray();
    }
}
