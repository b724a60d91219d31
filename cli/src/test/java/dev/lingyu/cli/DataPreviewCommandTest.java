package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataPreviewCommandTest {
    @TempDir
    private Path folder;

    private Path config(String... more) throws IOException {
        Path model = TinyModel.write(folder.resolve("tiny"));
        Path data = folder.resolve("talks.json");
        Files.writeString(data, """
                [{"instruction": "可以退货吗？", "input": "", "output": "七天内\\n可以。", "system": "你是客服"},
                 {"instruction": "第二问", "input": "", "output": "第二答", "history": [["第一问", "第一答"]]},
                 {"instruction": "空", "input": "", "output": ""},
                 {"instruction": "长", "input": "", "output": "%s"}]
                """.formatted("很长的回答。".repeat(100)));
        Path config = folder.resolve("sft.yaml");
        Files.write(
                config,
                List.of(
                        "stage: sft",
                        "model_name_or_path: " + model,
                        "template: default",
                        "dataset: " + data,
                        "cutoff_len: 200",
                        "output_dir: " + folder.resolve("out"),
                        String.join("\n", more)));
        return config;
    }

    @Test
    void rowsAreShownWithWhatIsTrainedAndWhatIsOnlyRead() throws IOException {
        Invocation shown = Invocation.of("data", "preview", config(), "--rows", 2);
        assertThat(shown.err()).isEmpty();
        assertThat(shown.exitCode()).isZero();
        assertThat(shown.out())
                .contains("3 rows to learn from, 0 to check with", "template default")
                .contains("1 answer cut at the end, 1 row without anything to learn dropped")
                .contains("Lengths [tokens]:", "#")
                .contains("  . System: 你是客服</s>⏎\n  . Human: 可以退货吗？</s>⏎\n  . Assistant:\n")
                .contains("  > 七天内⏎\n  > 可以。</s>\n  . ⏎\n")
                .contains("Row 2: ", "  > 第一答</s>", "  > 第二答</s>", "  ids:    ", "  labels: · ")
                .doesNotContain("Row 3: ", "\u001b[");
        assertThat(folder.resolve("out")).as("nothing is trained").doesNotExist();
    }

    @Test
    void settingsOfTheCommandLineWinAndPackedDocumentsAreParted() throws IOException {
        Invocation shown =
                Invocation.of("data", "preview", config(), "neat_packing=true", "mask_history=true", "max_samples=2");
        assertThat(shown.out())
                .contains("2 documents that do not see each other", "  ---\n")
                .contains("  . Assistant:第一答</s>", "  > 第二答</s>");
    }

    @Test
    void jsonHoldsTheVeryRows() throws IOException {
        Invocation shown = Invocation.of("data", "preview", config(), "--json", "--rows", 100);
        List<String> lines = shown.out().lines().toList();
        assertThat(lines).hasSize(3);
        for (String line : lines) {
            JsonNode row = new ObjectMapper().readTree(line);
            assertThat(row.path("labels").size())
                    .isEqualTo(row.path("input_ids").size());
            assertThat(row.path("documents").get(0).asInt())
                    .isEqualTo(row.path("input_ids").size());
            assertThat(row.path("labels").get(0).asInt()).isEqualTo(-100);
        }
    }

    @Test
    void wrongSettingsAreToldAsTrainTellsThem() throws IOException {
        Path config = config();
        Invocation typo = Invocation.of("data", "preview", config, "template=defualt");
        assertThat(typo.exitCode()).isEqualTo(2);
        assertThat(typo.err()).contains("Did you mean 'default'?");
        Invocation qwen = Invocation.of("data", "preview", config, "template=qwen");
        assertThat(qwen.exitCode()).isEqualTo(2);
        assertThat(qwen.err()).contains("<|im_end|>", "resize_vocab");
        assertThat(Invocation.of("data", "preview", config, "template=qwen", "resize_vocab=true")
                        .exitCode())
                .isZero();
        Invocation missing = Invocation.of("data", "preview", config, "dataset=nowhere");
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err()).contains("nowhere");
        assertThat(Invocation.of("data").exitCode()).isEqualTo(2);
    }
}
