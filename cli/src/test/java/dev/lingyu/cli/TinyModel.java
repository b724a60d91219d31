package dev.lingyu.cli;

import dev.lingyu.model.DecoderConfig;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Position;
import dev.lingyu.model.RopeScaling;
import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// A model directory with random weights that a test makes in a moment: LLaMA's layout, 96 positions, a byte-level
/// vocabulary, no chat template.
final class TinyModel {
    static final int POSITIONS = 96;

    /// Rows of the embedding; the tokenizer knows fewer tokens.
    static final int VOCABULARY = 304;

    private TinyModel() {}

    static Path write(Path directory) throws IOException {
        return write(directory, 16);
    }

    /// @param hidden features of a token, a multiple of 16; weights can be quantised from 32 on
    static Path write(Path directory, int hidden) throws IOException {
        Path vocabulary = directory.resolveSibling(directory.getFileName() + "-vocabulary");
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(300));
        List.of("这款手机支持七天无理由退货吗？", "支持的，签收后七天内可以退货。", "The order was shipped yesterday.")
                .forEach(trainer::add);
        trainer.train(size -> {}).save(vocabulary);
        try (Tokenizer tokenizer = Tokenizer.open(vocabulary)) {
            DecoderConfig shape = DecoderConfig.builder(new Position.Rope(10000, 8, false, new RopeScaling.None()))
                    .vocabularySize(VOCABULARY)
                    .hiddenSize(hidden)
                    .layers(2)
                    .heads(hidden / 8)
                    .keyValueHeads(hidden / 16)
                    .headSize(8)
                    .intermediateSize(hidden * 3 / 2)
                    .normEpsilon(1e-5)
                    .gated(true)
                    .maxPositions(POSITIONS)
                    .initializerRange(0.5)
                    .build();
            ModelConfig config = ModelConfig.of(
                    "llama", shape, new ModelConfig.SpecialTokens(OptionalInt.of(1), List.of(2), OptionalInt.of(3)));
            try (LanguageModel model = LanguageModel.create(config, tokenizer, Optional.empty(), DType.F32, 11)) {
                model.save(directory, DType.F32);
            }
        }
        return directory;
    }
}
