package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.model.tokenizer.TokenizerEdit;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Added tokens get rows; what the model says of the old ones stays.
class ResizeVocabularyTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"bloom,true", "llama,false"})
    void newRowsAreMeansAndOldLogitsStay(String name, boolean tied) throws IOException {
        Path source = Golden.open(name).directory();
        Path tokenizer = folder.resolve("tokenizer");
        TokenizerEdit.of(source).add(List.of("<a>", "<b>", "<c>"), true).save(tokenizer);
        int[] ids = {9, 10, 11, 12};
        long before = Tensor.liveCount();
        LanguageModel.Options options = LanguageModel.Options.training(DType.F32, Device.CPU);
        try (Scope scope = Scope.open()) {
            LanguageModel model = LanguageModel.open(source, options);
            int rows = model.decoder().config().vocabularySize();
            float[] old = model.decoder().logits(TokenBatch.of(ids)).toFloats();
            float[] mean = model.decoder().head().value().mean(0).toFloats();
            Tokenizer larger = Tokenizer.open(tokenizer);
            assertThat(larger.vocabularySize()).isEqualTo(rows + 3);
            try (LanguageModel grown = model.withTokenizer(larger, 8, id -> id == rows ? new int[] {20} : new int[0])) {
                assertThat(grown.decoder().config().vocabularySize()).isEqualTo(rows + 8);
                assertThat(grown.decoder().config().tiedHead()).isEqualTo(tied);
                float[] now = grown.decoder().logits(TokenBatch.of(ids)).toFloats();
                for (int t = 0; t < ids.length; t++) {
                    for (int v = 0; v < rows; v++) {
                        assertThat(now[t * (rows + 8) + v]).isCloseTo(old[t * rows + v], within(1e-5f));
                    }
                }
                Tensor head = grown.decoder().head().value();
                assertThat(head.select(0, rows).toFloats())
                        .isEqualTo(head.select(0, 20).toFloats());
                float[] fresh = head.select(0, rows + 2).toFloats();
                for (int i = 0; i < mean.length; i++) {
                    assertThat(fresh[i]).isCloseTo(mean[i], within(1e-6f));
                }
                grown.save(folder.resolve("saved"), DType.F32);
            }
        }
        assertThat(Tensor.liveCount()).as("tensors left open").isEqualTo(before);
        try (LanguageModel again = LanguageModel.open(folder.resolve("saved"), LanguageModel.Options.inference())) {
            assertThat(again.decoder().config().vocabularySize())
                    .isEqualTo(again.requireTokenizer().vocabularySize() + 5);
            assertThat(again.decoder().config().tiedHead()).isEqualTo(tied);
        }
    }
}
