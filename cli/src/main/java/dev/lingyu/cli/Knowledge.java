package dev.lingyu.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.dataset.AtomicFile;
import dev.lingyu.eval.AnswerTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// What a model knows of the world and of the store.
///
/// Asking takes minutes, so it is kept: a quickstart that was interrupted need not ask again.
///
/// @param model      which one, in words that change when it does
/// @param perplexity of general Chinese texts
/// @param general    its answers to things that everybody knows
/// @param phrasings  its answers about the store's facts
/// @param unknown    its answers about products that were in no training text
record Knowledge(
        String model,
        double perplexity,
        AnswerTest.Outcome general,
        AnswerTest.Outcome phrasings,
        AnswerTest.Outcome unknown) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// What was kept, if it is of this model.
    static Optional<Knowledge> read(Path file, String model) {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.readValue(file.toFile(), Knowledge.class))
                    .filter(kept -> kept.model().equals(model));
        } catch (IOException e) {
            // Of another version of this program, or no longer whole: it is asked again.
            return Optional.empty();
        }
    }

    void write(Path file) throws IOException {
        AtomicFile.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this));
    }
}
