package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;

/// Recorded inputs and outputs of the reference implementations, read in place.
final class Golden {
    static final Path SHARED = Path.of(System.getProperty("lingyu.shared", "../../shared"));

    private final Path directory;
    private final SafetensorsFile arrays;
    private final JsonNode facts;

    private Golden(Path directory) throws IOException {
        this.directory = directory;
        this.arrays = SafetensorsFile.open(directory.resolve("expected.safetensors"));
        this.facts = new ObjectMapper().readTree(Files.readAllBytes(directory.resolve("expected.json")));
    }

    /// The folders that hold a decoder.
    static List<String> decoderFamilies() {
        return List.of(
                "bloom",
                "bloom-nhead5",
                "gpt2",
                "llama",
                "llama-gqa",
                "llama-rope-llama3",
                "mistral",
                "qwen2",
                "qwen3",
                "glm",
                "chatglm2",
                "baichuan");
    }

    /// A folder of fixtures, from this module's resources or the shared ones; the test is skipped, saying so, where
    /// they are absent.
    static Golden open(String name) throws IOException {
        Path own = Path.of("src/test/resources/adapters").resolve(name);
        Path directory = Files.isDirectory(own) ? own : SHARED.resolve("golden").resolve(name);
        Assumptions.assumeTrue(
                Files.isDirectory(directory), "Skipped: the golden fixtures are not at " + directory.toAbsolutePath());
        return new Golden(directory);
    }

    /// A folder of fixtures among this module's own test resources, which is always there.
    static Golden resource(String name) throws IOException {
        URL folder = Objects.requireNonNull(Golden.class.getResource("/" + name), name);
        try {
            return new Golden(Path.of(folder.toURI()));
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }

    Path directory() {
        return directory;
    }

    JsonNode facts() {
        return facts;
    }

    boolean has(String array) {
        return arrays.names().contains(array);
    }

    List<String> names(String prefix) {
        return arrays.names().stream().filter(n -> n.startsWith(prefix)).toList();
    }

    Tensor array(String name) {
        return arrays.tensor(name);
    }

    /// The rows of an id matrix without their padding.
    List<int[]> sequences(String idsName, String maskName) {
        Tensor ids = array(idsName);
        int columns = Math.toIntExact(ids.size(1));
        long[] values = ids.toLongs();
        long[] mask = array(maskName).toLongs();
        List<int[]> rows = new ArrayList<>();
        for (int r = 0; r < ids.size(0); r++) {
            List<Integer> row = new ArrayList<>();
            for (int c = 0; c < columns; c++) {
                if (mask[r * columns + c] == 1) {
                    row.add((int) values[r * columns + c]);
                }
            }
            rows.add(row.stream().mapToInt(i -> i).toArray());
        }
        return rows;
    }

    /// Compares rows of ours [tokens × n] with the real positions of a golden array [b × t × n].
    double largestDifferenceAtRealPositions(Tensor ours, String name, String maskName) {
        long[] mask = array(maskName).toLongs();
        float[] golden = array(name).toFloats();
        float[] got = ours.toFloats();
        int n = golden.length / mask.length;
        double largest = 0;
        int row = 0;
        for (int position = 0; position < mask.length; position++) {
            if (mask[position] == 1) {
                for (int i = 0; i < n; i++) {
                    largest = Math.max(largest, Math.abs(got[row * n + i] - golden[position * n + i]));
                }
                row++;
            }
        }
        assertThat(got).as(name + ": number of values").hasSize(row * n);
        return largest;
    }

    static double largestDifference(float[] ours, float[] golden) {
        assertThat(ours).hasSameSizeAs(golden);
        double largest = 0;
        for (int i = 0; i < ours.length; i++) {
            largest = Math.max(largest, Math.abs(ours[i] - golden[i]));
        }
        return largest;
    }

    /// The likeliest tokens behind a prompt, one at a time through a cache.
    static int[] greedy(Decoder decoder, int[] prompt, int count) {
        int[] found = new int[count];
        int[] fed = prompt;
        int done = 0;
        try (KvCache cache = new KvCache(decoder, prompt.length + count)) {
            for (int step = 0; step < count; step++) {
                TokenBatch batch = new TokenBatch(fed, new int[] {fed.length}, new int[] {done});
                float[] logits = decoder.head(decoder.features(batch, List.of(cache)))
                        .select(0, fed.length - 1)
                        .toFloats();
                for (int id = 1; id < logits.length; id++) {
                    found[step] = logits[id] > logits[found[step]] ? id : found[step];
                }
                done += fed.length;
                fed = new int[] {found[step]};
            }
        }
        return found;
    }

    static void within(double difference, double tolerance, String what) {
        System.out.printf("golden %-70s largest difference %.2e (tolerance %.0e)%n", what, difference, tolerance);
        assertThat(difference).as(what + ": largest difference").isLessThanOrEqualTo(tolerance);
    }
}
