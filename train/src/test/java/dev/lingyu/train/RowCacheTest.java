package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatTemplates;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Tokenized rows are kept, found again, and never taken for what they are not.
class RowCacheTest {
    @TempDir
    Path directory;

    private Tiny tiny;
    private Tokenizer tokenizer;
    private int made;

    @BeforeEach
    void open() throws IOException {
        tiny = Tiny.in(directory);
        tokenizer = Tokenizer.open(directory.resolve("tokenizer"));
    }

    @AfterEach
    void close() {
        tokenizer.close();
    }

    private ObjectNode sft() {
        return tiny.finetuning(directory.resolve("tokenizer"), directory.resolve("runs/sft"))
                .put("val_size", 0)
                .put("tokenized_path", directory.resolve("kept").toString());
    }

    private TrainingRows read(ObjectNode config, String template) {
        AtomicInteger calls = new AtomicInteger();
        TrainingRows rows = TrainingRows.read(
                TrainConfig.of("test", config),
                ChatEncoder.of(tokenizer, ChatTemplates.named(template)),
                (examples, written) -> calls.incrementAndGet());
        made = calls.get();
        return rows;
    }

    private List<Path> kept() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("kept"))) {
            return files.sorted().toList();
        }
    }

    private static List<String> words(TrainingRows rows) {
        return rows.train().stream()
                .map(r -> Arrays.toString(r.ids()) + Arrays.toString(r.labels()))
                .toList();
    }

    @Test
    void theSecondRunMapsWhatTheFirstTokenized() throws IOException {
        TrainingRows first = read(sft(), "user-bot");
        assertThat(made).isPositive();
        TrainingRows second = read(sft(), "user-bot");
        assertThat(made).as("calls while tokenizing").isZero();
        assertThat(words(second)).isEqualTo(words(first));
        assertThat(second.digest()).isEqualTo(first.digest());
        assertThat(second.notices()).isEqualTo(first.notices());
        assertThat(second.cuts()).isEqualTo(first.cuts());
        assertThat(kept()).hasSize(1);
    }

    @Test
    void whateverTheRowsDependOnMakesThemAnew() throws IOException {
        read(sft(), "user-bot");
        read(sft(), "human-assistant");
        assertThat(made).as("another template").isPositive();
        read(sft().put("cutoff_len", 40), "user-bot");
        assertThat(made).as("another cutoff_len").isPositive();
        read(sft().put("train_on_prompt", true), "user-bot");
        assertThat(made).as("train_on_prompt").isPositive();
        read(sft().put("neat_packing", true), "user-bot");
        assertThat(made).as("packing").isPositive();
        read(sft().put("max_samples", 7), "user-bot");
        assertThat(made).as("max_samples").isPositive();
        assertThat(kept()).hasSize(6);
        Path data = directory.resolve("talks.jsonl");
        Files.writeString(data, Files.readString(data).replaceFirst("升", "斗"));
        read(sft(), "user-bot");
        assertThat(made).as("one letter of the data").isPositive();
    }

    @Test
    void aDamagedFileIsNoticedAndMadeAgain() throws IOException {
        List<String> words = words(read(sft(), "user-bot"));
        Path file = kept().getFirst();
        long size = Files.size(file);
        for (long at : new long[] {0, size / 2, size - 100, size - 1}) {
            try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
                bytes.seek(at);
                int old = bytes.read();
                bytes.seek(at);
                bytes.write(old ^ 1);
            }
            TrainingRows again = read(sft(), "user-bot");
            assertThat(again.notices()).anyMatch(n -> n.contains("can't be used") && n.contains("made again"));
            assertThat(words(again)).isEqualTo(words);
        }
        for (long length : new long[] {0, 10, size / 2}) {
            Files.write(file, Arrays.copyOf(Files.readAllBytes(file), (int) length));
            assertThat(words(read(sft(), "user-bot"))).isEqualTo(words);
        }
        assertThat(kept()).as("nothing half-written is left").hasSize(1);
    }

    @Test
    void aFolderThatCantBeWrittenIsToldInWords() throws IOException {
        Path file = Files.writeString(directory.resolve("occupied"), "no folder", StandardOpenOption.CREATE);
        assertThatThrownBy(() -> read(sft().put("tokenized_path", file.toString()), "user-bot"))
                .isInstanceOf(TrainException.class)
                .hasMessageContaining("tokenized_path");
    }

    @Test
    void heapStaysFlatHoweverManyRowsThereAre() throws IOException {
        Path file = directory.resolve("many.rows");
        int rows = 400_000;
        int[] ids = new int[64];
        try (RowFileWriter writer = new RowFileWriter(file)) {
            for (int i = 0; i < rows; i++) {
                ids[0] = i;
                writer.add(TrainingRow.all(ids));
            }
            writer.finish(new com.fasterxml.jackson.databind.ObjectMapper().createObjectNode());
        }
        long before = used();
        RowFile mapped = open(file);
        List<TrainingRow> list = mapped.list();
        long sum = 0;
        for (int i = 0; i < rows; i++) {
            sum += list.get(i).ids()[0];
        }
        assertThat(sum).isEqualTo((long) rows * (rows - 1) / 2);
        long after = used();
        System.out.printf("%,d rows, %,d bytes on disk, %,d bytes of heap%n", rows, Files.size(file), after - before);
        assertThat(after - before)
                .as("an int for the order of each row, and little else")
                .isLessThan(8L << 20);
        assertThat(list.get(rows - 1).ids()[0]).isEqualTo(rows - 1);
    }

    private static RowFile open(Path file) throws IOException {
        try {
            return RowFile.open(file);
        } catch (RowFile.Damaged e) {
            throw new AssertionError(e);
        }
    }

    private static long used() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Test
    void heldOutRowsAreTakenFromTheOthersAndStayTheSame() {
        TrainingRows rows = read(sft().put("val_size", 0.25), "user-bot");
        assertThat(rows.validation()).hasSize(15);
        assertThat(rows.train()).hasSize(45);
        assertThat(rows.digest())
                .isNotEqualTo(read(sft().put("val_size", 0.25).put("seed", 43), "user-bot")
                        .digest());
        TrainingRows again = read(sft().put("val_size", 0.25), "user-bot");
        assertThat(words(again)).isEqualTo(words(rows));
        assertThat(again.digest()).isEqualTo(rows.digest());
    }
}
