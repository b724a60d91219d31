package dev.lingyu.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A process with less memory than the file has bytes reads every row.
class MemoryTest {
    private static final int ROWS = 200_000;

    @TempDir
    Path folder;

    @Test
    void twoHundredThousandRowsStreamThroughAHeapOfSixteenMegabytes() throws Exception {
        Path lines = folder.resolve("big.jsonl");
        Path list = folder.resolve("big.json");
        write(lines, "", "\n", "");
        write(list, "[", ",\n", "]");
        assertThat(Files.size(lines)).isGreaterThan(64L << 20);

        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String classes = System.getProperty("java.class.path");
        Process process = new ProcessBuilder(
                        java,
                        "-Xmx16m",
                        "-XX:+UseSerialGC",
                        "-cp",
                        classes,
                        Counter.class.getName(),
                        lines.toString(),
                        list.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output.lines()).containsExactly("200000", "200000");
    }

    private static void write(Path path, String begin, String between, String end) throws IOException {
        String padding = "x".repeat(350);
        try (BufferedWriter out = Files.newBufferedWriter(path)) {
            out.write(begin);
            for (int i = 0; i < ROWS; i++) {
                out.write(i == 0 ? "" : between);
                out.write("{\"instruction\":\"" + i + "\",\"output\":\"" + padding + "\"}");
            }
            out.write(end);
        }
    }

    /// Counts the examples of files.
    static final class Counter {
        private Counter() {}

        public static void main(String[] files) {
            for (String file : files) {
                try (ExampleStream<Conversation> stream =
                        Datasets.open(DatasetSpec.of(Path.of(file)), Conversation.class)) {
                    System.out.println(stream.stream().count());
                }
            }
        }
    }
}
