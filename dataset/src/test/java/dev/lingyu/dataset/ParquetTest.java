package dev.lingyu.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Parquet files as pyarrow writes them; `interop/parquet/make-fixtures.py` made these.
class ParquetTest {
    @TempDir
    Path folder;

    private Path fixture(String name) throws IOException {
        Path file = folder.resolve(name);
        try (InputStream in = Objects.requireNonNull(ParquetTest.class.getResourceAsStream("/parquet/" + name))) {
            Files.copy(in, file);
        }
        return file;
    }

    @ParameterizedTest
    @ValueSource(strings = {"snappy", "zstd", "gzip", "none"})
    void nestedConversationsAreReadWhateverCompressedThem(String codec) throws IOException {
        List<Example> examples = Reading.examples(fixture("chat-" + codec + ".parquet"));
        assertThat(examples)
                .containsExactly(
                        Conversation.of(Message.user("你好 😀"), Message.assistant("您好。")),
                        Conversation.of(
                                        Message.user("再见"),
                                        Message.assistant(""),
                                        Message.user("?"),
                                        Message.assistant("bye"))
                                .withSystem("短"));
    }

    @Test
    void rowsOfSeveralGroupsComeInOrderAndNullsAreAbsent() throws IOException {
        List<Conversation> examples = Reading.examples(DatasetSpec.of(fixture("alpaca.parquet")), Conversation.class);
        assertThat(examples).hasSize(300);
        assertThat(examples.get(0).messages().getFirst().content()).isEqualTo("第0题");
        assertThat(examples.get(299).messages().getLast().content()).isEqualTo("答299".repeat(299 % 7 + 1));
    }

    @Test
    void aDamagedFileIsRefusedInWordsWhereverTheDamageIs() throws IOException {
        byte[] whole = Files.readAllBytes(fixture("alpaca.parquet"));
        for (int cut = 1; cut < whole.length; cut += 97) {
            Path file = Files.write(folder.resolve(cut + "cut.parquet"), Arrays.copyOf(whole, cut));
            String message = Refusals.messageOf(() -> Reading.examples(file));
            assertThat(message).contains("cut.parquet").contains("Parquet").doesNotContain("Exception");
        }
    }

    @Test
    void flippedBytesGiveRowsOrARefusalAndNeverAnEndlessWait() throws IOException {
        byte[] whole = Files.readAllBytes(fixture("chat-none.parquet"));
        for (int at = 4; at < whole.length; at += 11) {
            byte[] flipped = whole.clone();
            flipped[at] ^= 0x55;
            Path file = Files.write(folder.resolve("flipped-" + at + ".parquet"), flipped);
            try (ParquetRows rows = ParquetRows.open(file, Duration.ofMillis(300))) {
                while (rows.advance()) {
                    assertThat(rows.value().isObject()).isTrue();
                }
            } catch (RowFault refused) {
                assertThat(refused.getMessage()).isNotBlank();
            }
        }
    }
}
