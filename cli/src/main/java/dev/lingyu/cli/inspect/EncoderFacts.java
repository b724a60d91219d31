package dev.lingyu.cli.inspect;

import dev.lingyu.model.EncoderConfig;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A directory with an encoder, which turns texts into vectors.
final class EncoderFacts {
    private static final String CONFIG = "config.json";

    private EncoderFacts() {}

    static boolean isPresent(Path directory) throws IOException {
        Path file = directory.resolve(CONFIG);
        return Files.isRegularFile(file)
                && EncoderConfig.isEncoder(
                        JsonFile.read(file).path("model_type").asText());
    }

    static void add(Path directory, Facts facts) throws IOException {
        EncoderConfig config = EncoderConfig.read(directory);
        facts.add("kind", "model directory, an encoder: turns texts into vectors");
        facts.add("family", config.title() + " (model_type " + config.modelType() + ")");
        facts.add("verified", "hidden states and pooled vectors of this family were compared with a reference's");
        WeightFacts.addWhole(directory, facts);
        facts.add("layers", "" + config.layers());
        facts.add("heads", config.heads() + " of " + config.hiddenSize() / config.heads());
        facts.add("hidden size", config.hiddenSize() + ", feed-forward " + config.intermediateSize());
        facts.add("vocabulary", Facts.count(config.vocabularySize()) + " rows of the embedding");
        facts.add("positions", "learned, up to " + Facts.count(config.maxTokens()) + " tokens");
        if (Files.isRegularFile(directory.resolve(Tokenizer.FILE_NAME))) {
            try (Tokenizer tokenizer = Tokenizer.open(directory)) {
                ModelFacts.tokenizer(tokenizer, facts);
            }
        } else {
            facts.add("tokenizer", "none (no " + Tokenizer.FILE_NAME + "): takes token ids");
        }
    }
}
