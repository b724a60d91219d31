package dev.lingyu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.LanguageModel;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `add_tokens`, `add_special_tokens` and `resize_vocab`, from the recipe to the saved model.
class AddTokensTest {
    @TempDir
    private Path folder;

    @Test
    void addedTokensGetRowsAndTravelWithTheModel() throws IOException {
        Tiny tiny = Tiny.in(folder);
        Path base = folder.resolve("base");
        new Trainer(TrainConfig.of("test", tiny.pretraining(base).put("max_steps", 2)), new TrainingListener() {})
                .run();
        Path output = folder.resolve("sft");
        ObjectNode run = tiny.finetuning(base, output)
                .put("max_steps", 2)
                .put("add_special_tokens", "<think>,</think>")
                .put("add_tokens", "冰箱的容量");
        new Trainer(TrainConfig.of("test", run), new TrainingListener() {}).run();
        try (LanguageModel before = LanguageModel.open(base, LanguageModel.Options.inference());
                LanguageModel after = LanguageModel.open(output, LanguageModel.Options.inference())) {
            int size = before.requireTokenizer().vocabularySize();
            assertThat(after.requireTokenizer().encode("<think>冰箱的容量</think>"))
                    .containsExactly(size, size + 2, size + 1);
            assertThat(after.decoder().config().vocabularySize())
                    .isGreaterThanOrEqualTo(size + 3)
                    .satisfies(rows -> assertThat(rows % 8).isZero());
        }
        assertThatThrownBy(() -> TrainConfig.of("test", run.put("resize_vocab", false)))
                .isInstanceOf(TrainException.class)
                .hasMessageContaining("resize_vocab");
    }
}
